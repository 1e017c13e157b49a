import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';

/** Held by the one agent of a root that starts containers again and asks after their health. */
const place = (roots: Roots) => path.join(roots.state, 'agent', 'keeper.lock');

/** Undefined: another holds it. */
export function takeKeeperLock(roots: Roots): FileLock | undefined {
  mkdirSync(path.dirname(place(roots)), { recursive: true, mode: 0o700 });
  return FileLock.attempt(place(roots));
}

/** Refuses wishes that nobody would see to. */
export function requireKeeper(
  roots: Roots,
  { restart, healthcheck }: { restart?: unknown; healthcheck?: unknown },
): void {
  if (restart === undefined && healthcheck === undefined) return;
  // A shared lock is in nobody's way but that of an agent which is just coming, and that one tries again.
  const free = existsSync(place(roots)) ? FileLock.attempt(place(roots), 'shared') : null;
  if (free === undefined) return;
  free?.release();
  throw new BerthError('NO_AGENT', {
    what: restart === undefined ? '--health-cmd' : '--restart',
    why: 'no agent runs on this root that would see to it',
    mend: 'Start one: berth up, or berth agent install.',
  });
}
