import { rmdirSync } from 'node:fs';
import path from 'node:path';
import { cgroupDirectories, cgroupPlaces } from '../src/containerizer/container/cgroup-places.js';
import { pause } from '../src/containerizer/container/shared-sweep.js';
import type { Roots } from '../src/state/roots.js';

/** Takes away the cgroups that all containers of a root share. Only for a root of one's own, when its last container has gone. */
export function removeRootCgroups(roots: Roots): void {
  const own = cgroupPlaces(roots, 'any');
  if (own.supervisors !== null) removeCgroup(own.supervisors);
  for (const group of new Set(cgroupDirectories(own).map((container) => path.dirname(container)))) {
    removeCgroup(group);
  }
}

/** Milliseconds in which a supervisor that was the last leaves, however busy the host is. */
const patience = 5000;

/** The kernel refuses while anything is in it. */
export function removeCgroup(directory: string): void {
  for (let waited = 0; ; waited++)
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || waited === patience) throw error;
      pause();
    }
}
