import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';
import { listContainers } from '../container/catalogue.js';

/** Sockets of pods that have ended: a metadata service takes its own away, but for one that was killed. */
export function deadSockets(roots: Roots): string[] {
  const folder = places.podSockets(roots);
  const names = namesIn(folder);
  if (names.length === 0) return [];
  // One is made after its container was recorded.
  const alive = new Set(
    listContainers(roots, () => {})
      .filter(({ state }) => state === 'running' || state === 'created')
      .map(({ document }) => document.pod?.uuid),
  );
  return names.filter((name) => !alive.has(name)).map((name) => path.join(folder, name));
}

export function sweepSockets(roots: Roots): void {
  for (const socket of deadSockets(roots)) rmSync(socket, { force: true, recursive: true });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
