import { rmdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../../state/live-process.js';
import type { Roots } from '../../state/roots.js';
import { cgroupPlaces } from './cgroup-places.js';
import type { StateDocument } from './document.js';

/**
 * Removes the cgroups that a root's containers share, if the last of them has gone. The kernel refuses while another one is in
 * them; whoever starts a container makes them anew.
 */
export function sweepCgroups(roots: Roots): void {
  const { unified, supervisors, v1 } = cgroupPlaces(roots, 'any');
  const shared = [unified, ...Object.values(v1)].flatMap((place) =>
    place === null ? [] : [path.dirname(place)],
  );
  for (const directory of [...(supervisors === null ? [] : [supervisors]), ...new Set(shared)]) {
    removeIfEmpty(directory);
  }
}

/** The same once a supervisor, whose last words were heard, is really gone: it takes a moment to leave its cgroup. */
export async function sweepAfter(roots: Roots, supervisor: StateDocument | undefined): Promise<void> {
  const tries = 100;
  for (let i = 0; i < tries && supervisor !== undefined; i++) {
    if (!isAlive(supervisor.supervisor, supervisor.boot_id)) break;
    await sleep(1);
  }
  sweepCgroups(roots);
}

/** False: something is still in it. */
export function removeIfEmpty(cgroup: string): boolean {
  try {
    rmdirSync(cgroup);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false;
    if (code !== 'ENOENT') throw error;
  }
  return true;
}
