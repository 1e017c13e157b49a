import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '../../errors/berth-error.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';

/** Held by the one agent of a root that starts containers again and asks after their health. */
const place = (roots: Roots) => path.join(roots.state, 'agent', 'keeper.lock');

/** How often it is tried, and milliseconds in between: whoever asks whether somebody holds it does so for a moment. */
const tries = 20;
const pause = 25;

/** Undefined: another holds it. */
export async function takeKeeperLock(roots: Roots): Promise<FileLock | undefined> {
  mkdirSync(path.dirname(place(roots)), { recursive: true, mode: 0o700 });
  for (let left = tries; left > 0; left--) {
    const lock = FileLock.attempt(place(roots));
    if (lock !== undefined) return lock;
    await sleep(pause);
  }
  return undefined;
}

/** Refuses wishes that nobody would see to. */
export function requireKeeper(
  roots: Roots,
  { restart, healthcheck }: { restart?: unknown; healthcheck?: unknown },
): void {
  if (restart === undefined && healthcheck === undefined) return;
  // Shared, so that those who ask at the same time do not take each other for an agent; one that is just coming tries again.
  const free = existsSync(place(roots)) ? FileLock.attempt(place(roots), 'shared') : null;
  if (free === undefined) return;
  free?.release();
  throw new BerthError('NO_AGENT', {
    what: restart === undefined ? '--health-cmd' : '--restart',
    why: 'no agent runs on this root that would see to it',
    mend: 'Start one: berth up, or berth agent install.',
  });
}
