import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '../../state/atomic-file.js';
import { readDocument } from '../../state/json-file.js';
import { places, type Roots } from '../../state/roots.js';

interface Restarts {
  format: 1;
  count: number;
}

const mark = (roots: Roots, id: string) => path.join(places.container(roots, id), 'stopped');
const record = (roots: Roots, id: string) => path.join(places.container(roots, id), 'restarts.json');

/** Somebody wants it to be at its end. */
export function markStopped(roots: Roots, id: string): void {
  try {
    writeFileSync(mark(roots, id), '', { mode: 0o600 });
  } catch (error) {
    // It has no durable folder: there is nothing that could be started again.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

export function isStopped(roots: Roots, id: string): boolean {
  return existsSync(mark(roots, id));
}

/** How often it was started again since it was last started by hand. */
export function restartCount(roots: Roots, id: string): number {
  return readDocument<Restarts>(record(roots, id), 1)?.count ?? 0;
}

export function recordRestarts(roots: Roots, id: string, count: number): void {
  writeWhole(record(roots, id), JSON.stringify({ format: 1, count } satisfies Restarts));
}

/** It is started by hand: what was counts no more. */
export function forgetRestarts(roots: Roots, id: string): void {
  for (const file of [mark(roots, id), record(roots, id)]) rmSync(file, { force: true });
}
