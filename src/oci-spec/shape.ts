/**
 * Checks documents from outside against a shape and types them: one source for both. Small on purpose: reading an image must not
 * cost the 230 ms that a general schema library takes to load.
 */
export type Shape<T> = (value: unknown, at: string) => T;

export type Of<S> = S extends Shape<infer T> ? T : never;

/** Where in the document, and what should be there. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
  constructor(at: string, expected: string) {
    super(`${at === '' ? 'the document' : at} is not ${expected}`);
  }
}

export function text(options: { pattern?: RegExp; expected?: string; most?: number } = {}): Shape<string> {
  const { pattern, expected = 'a string', most = 1 << 20 } = options;
  return (value, at) => {
    // A NUL cannot pass through execve(2) or a path; nothing honest has one.
    if (
      typeof value !== 'string' ||
      value.length > most ||
      value.includes('\0') ||
      pattern?.test(value) === false
    ) {
      throw new ShapeError(at, expected);
    }
    return value;
  };
}

export function integer(least = 0, most = Number.MAX_SAFE_INTEGER): Shape<number> {
  return (value, at) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
      throw new ShapeError(at, `an integer from ${least} to ${most}`);
    }
    return value;
  };
}

export const flag: Shape<boolean> = (value, at) => {
  if (typeof value !== 'boolean') throw new ShapeError(at, 'true or false');
  return value;
};

export function constant<const T extends string | number>(wanted: T): Shape<T> {
  return (value, at) => {
    if (value !== wanted) throw new ShapeError(at, JSON.stringify(wanted));
    return wanted;
  };
}

export function list<T>(of: Shape<T>, most = 10_000): Shape<T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw new ShapeError(at, 'an array');
    if (value.length > most) throw new ShapeError(at, `an array of at most ${most}`);
    return value.map((item: unknown, i) => of(item, `${at}[${i}]`));
  };
}

/** An object used as a map. */
export function map<T>(of: Shape<T>, most = 10_000): Shape<Record<string, T>> {
  return (value, at) => {
    const entries = Object.entries(asObject(value, at));
    if (entries.length > most) throw new ShapeError(at, `an object of at most ${most} members`);
    return Object.fromEntries(entries.map(([key, item]) => [key, of(item, `${at}.${key}`)]));
  };
}

type Members = Record<string, Shape<unknown>>;
type Typed<R extends Members, O extends Members> = { [K in keyof R]: Of<R[K]> } & {
  [K in keyof O]?: Of<O[K]>;
};

/** Named members; unknown ones are dropped, and null is absence, as Go's encoder writes empty lists and maps. */
export function object<R extends Members, O extends Members>(required: R, optional: O): Shape<Typed<R, O>> {
  return (value, at) => {
    const given = asObject(value, at);
    const out: Record<string, unknown> = {};
    for (const [key, shape] of Object.entries(required)) out[key] = shape(own(given, key), path(at, key));
    for (const [key, shape] of Object.entries(optional)) {
      const item = own(given, key);
      if (item !== undefined && item !== null) out[key] = shape(item, path(at, key));
    }
    return out as Typed<R, O>;
  };
}

function own(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function path(at: string, key: string): string {
  return at === '' ? key : `${at}.${key}`;
}

function asObject(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ShapeError(at, 'an object');
  return value as Record<string, unknown>;
}
