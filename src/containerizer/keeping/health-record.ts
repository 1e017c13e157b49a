import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '../../state/atomic-file.js';
import { readDocument } from '../../state/json-file.js';
import type { Roots } from '../../state/roots.js';

/** What is known of the health of a container. It is the keeper's, and volatile. */
export interface HealthDocument {
  format: 1;
  /** Which run it is of: when that was started. */
  run: string;
  status: 'starting' | 'healthy' | 'unhealthy';
  failing_streak: number;
  /** The last findings, oldest first. */
  log: HealthFinding[];
}

/** What a health command came to. */
export interface HealthFinding {
  /** When it began, and when it was over. */
  started_at: string;
  at: string;
  /** Null: it could not be run, or took too long, as `message` says. */
  exit_code: number | null;
  message: string | null;
  /** The beginning of what it has written, to standard output and error. */
  output: string;
}

const folder = (roots: Roots) => path.join(roots.state, 'agent', 'health');
const place = (roots: Roots, id: string) => path.join(folder(roots), `${id}.json`);

/** Of the run that was started at that moment. Undefined: nothing is known. */
export function readHealth(
  roots: Roots,
  id: string,
  run: string | undefined,
): Omit<HealthDocument, 'format' | 'run'> | undefined {
  const document = readDocument<HealthDocument>(place(roots, id), 1);
  if (document === undefined || document.run !== run) return undefined;
  const { status, failing_streak, log } = document;
  // Those of an older agent have no output.
  return { status, failing_streak, log: log.map((each) => ({ ...each, ...older(each) })) };
}

const older = ({ at, started_at = at, output = '' }: Partial<HealthFinding> & Pick<HealthFinding, 'at'>) => ({
  started_at,
  output,
});

export function recordHealth(roots: Roots, id: string, health: Omit<HealthDocument, 'format'>): void {
  mkdirSync(folder(roots), { recursive: true, mode: 0o700 });
  writeWhole(place(roots, id), JSON.stringify({ format: 1, ...health }));
}

export function forgetHealth(roots: Roots, id: string): void {
  rmSync(place(roots, id), { force: true });
}

/** Forgets all but what is known of these containers. */
export function forgetOtherHealth(roots: Roots, ids: ReadonlySet<string>): void {
  mkdirSync(folder(roots), { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder(roots)))
    if (!ids.has(path.parse(name).name)) rmSync(path.join(folder(roots), name), { force: true });
}
