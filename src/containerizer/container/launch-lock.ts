import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';

const lockFile = (roots: Roots) => path.join(roots.root, 'launch.lock');

/**
 * Says that a container is on its way, from before anything of it exists until its records do. Many launch at once; a launcher that is
 * killed lets go.
 */
export async function lockLaunch(roots: Roots): Promise<FileLock> {
  return FileLock.attempt(lockFile(roots), 'shared') ?? (await FileLock.take(lockFile(roots), 'shared'));
}

/** Acts while no container of this root is on its way, so that what belongs to none belongs to none that will be. False: some are. */
export function whileNobodyLaunches(roots: Roots, act: () => void): boolean {
  mkdirSync(roots.root, { recursive: true, mode: 0o700 });
  const alone = FileLock.attempt(lockFile(roots), 'exclusive');
  if (alone === undefined) return false;
  try {
    act();
  } finally {
    alone.release();
  }
  return true;
}
