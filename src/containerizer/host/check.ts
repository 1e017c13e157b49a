/** One thing that berth needs or uses of the host. */
export interface Check {
  name: string;
  /** `warn`: `berth run` works without it, with less. `missing`: it does not. */
  status: 'ok' | 'warn' | 'missing';
  /** What was found. */
  detail: string;
  /** One sentence on how to mend a lack; null where there is none, or none to mend. */
  mend: string | null;
}

export function ok(name: string, detail: string): Check {
  return { name, status: 'ok', detail, mend: null };
}

export function warn(name: string, detail: string, mend: string | null): Check {
  return { name, status: 'warn', detail, mend };
}

export function missing(name: string, detail: string, mend: string): Check {
  return { name, status: 'missing', detail, mend };
}
