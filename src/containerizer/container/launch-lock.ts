import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '../../errors/berth-error.js';
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

const tries = 200;
const pauseMilliseconds = 50;

/** Acts in the first moment in which no container of this root is on its way. */
export async function whenNobodyLaunches(roots: Roots, what: string, act: () => void): Promise<void> {
  for (let i = 0; i < tries; i++) {
    if (whileNobodyLaunches(roots, act)) return;
    await sleep(pauseMilliseconds);
  }
  throw new BerthError('CONTAINER_STATE', {
    what,
    why: 'containers are being started all the time',
    mend: 'Try again in a moment.',
  });
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
