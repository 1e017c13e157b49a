import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { native } from '../../native/index.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { whileNobodyLaunches } from '../container/launch-lock.js';
import { parseMountTable } from '../host/mount-table.js';
import { opened } from './open-layer.js';
import { makeStore, storePaths } from './store.js';

/** Reads layers in their directories outside of a container: they stay mounted until it is done. */
export async function whileReading<T>(roots: Roots, read: () => Promise<T>): Promise<T> {
  makeStore(roots);
  const lock = await FileLock.take(storePaths(roots).readersLock, 'shared');
  try {
    return await read();
  } finally {
    lock.release();
    closeOpened(roots);
  }
}

/** Takes off what this process has mounted, unless somebody needs it just now; a container that runs has its own copy. What stays is for the next who looks. */
export function closeOpened(roots: Roots): void {
  if (opened.size === 0) return;
  whileNobodyLaunches(roots, () => {
    const { layers } = storePaths(roots);
    const ours = [...opened].filter((directory) => directory.startsWith(`${layers}/`));
    closeUnused(roots, ours);
  });
}

/** The locks that are held while layers have to stay mounted, beside that of launches: of those who add to the store, and of those who read in it. */
export function layerLocks(roots: Roots): string[] {
  const { storeLock, readersLock } = storePaths(roots);
  return [storeLock, readersLock];
}

/**
 * Takes off what is mounted of layers, unless somebody needs it just now: on a host where nothing of berth runs nothing of it is mounted. The caller knows that no container of the
 * root runs or is on its way.
 */
export function closeIdleLayers(roots: Roots): void {
  closeUnused(roots, mountedLayers(roots));
}

/** The caller knows that no container is on its way. */
function closeUnused(roots: Roots, directories: readonly string[]): void {
  if (directories.length === 0) return;
  const held: FileLock[] = [];
  try {
    for (const file of layerLocks(roots)) {
      const lock = FileLock.attempt(file);
      if (lock === undefined) return;
      held.push(lock);
    }
    for (const directory of directories) {
      native().unmountImage(directory);
      opened.delete(directory);
    }
  } finally {
    for (const lock of held) lock.release();
  }
}

/** Directories of the root's layers on which one is mounted. */
export function mountedLayers(roots: Roots): string[] {
  const { layers } = storePaths(roots);
  const table = readFileSync('/proc/self/mountinfo', 'utf8');
  if (!table.includes(' - erofs ') || !existsSync(layers)) return [];
  const folder = realpathSync(layers);
  const points = parseMountTable(table)
    .filter(({ type, point }) => type === 'erofs' && path.dirname(path.dirname(point)) === folder)
    .map(({ point }) => point);
  return [...new Set(points)];
}
