import { existsSync, mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { FileLock } from '../../state/lock.js';
import { hostClaims } from '../../state/roots.js';
import { scopeUnit } from '../host/systemd-scope.js';
import type { CgroupPlaces } from './cgroup-places.js';
import type { ScopeKeeper } from './scope-keeper.js';

/**
 * Has systemd make the scope, if containers of this host live in one and it isn't there. It vanishes with the last process in it: first that is the
 * keeper, which the caller releases once a supervisor is in or has failed; then it is the supervisors.
 */
export async function holdScope({ scope, supervisors }: CgroupPlaces): Promise<ScopeKeeper | undefined> {
  if (scope === null || supervisors === null || existsSync(scope)) return undefined;
  mkdirSync(hostClaims, { recursive: true, mode: 0o700 });
  const lock = await FileLock.take(path.join(hostClaims, 'scope'));
  try {
    if (existsSync(scope)) return undefined;
    const { makeScope } = await import('./scope-keeper.js');
    return await makeScope(scope, supervisors);
  } finally {
    lock.release();
  }
}

/** The scope went away with its last container while another was being launched into it: launched once more, that makes it anew. */
class ScopeGone extends BerthError {}

/** The error of a launch that failed for that; undefined: it failed for something else. `subject`: what the failing call was about. */
export function scopeGone({ scope }: CgroupPlaces, errno: number, subject = ''): BerthError | undefined {
  const { ENOENT, ENODEV } = constants.errno;
  if (scope === null || (errno !== ENOENT && errno !== ENODEV)) return undefined;
  if (!subject.startsWith(`${scope}/`)) return undefined;
  return new ScopeGone('LAUNCH_FAILED', {
    what: `cgroup ${subject}`,
    why: 'it was removed while the container was being started',
    mend: `See systemctl status ${scopeUnit} for what removes it.`,
  });
}

const mostTries = 20;

/** Launches again for as long as the scope goes away meanwhile. */
export async function whileScopeGoes<T>(launch: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await launch();
    } catch (error) {
      if (!(error instanceof ScopeGone) || tries === mostTries) throw error;
    }
  }
}
