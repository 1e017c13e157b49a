import { rmdirSync } from 'node:fs';
import path from 'node:path';
import { cgroupDirectories, cgroupPlaces } from '../src/containerizer/container/cgroup-places.js';
import type { Roots } from '../src/state/roots.js';

/** Takes away the cgroups that all containers of a root share. Only for a root of one's own, when its last container has gone. */
export function removeRootCgroups(roots: Roots): void {
  const own = cgroupPlaces(roots, 'any');
  if (own.supervisors !== null) removeCgroup(own.supervisors);
  for (const group of new Set(cgroupDirectories(own).map((container) => path.dirname(container)))) {
    removeCgroup(group);
  }
}

/** The kernel refuses while anything is in it. */
export function removeCgroup(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
