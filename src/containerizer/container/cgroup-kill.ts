import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { letGo } from './cgroup-freezer.js';
import type { CgroupPlaces } from './cgroup-places.js';

/** For a task that outlived its supervisor (cgroup-v2.rst, `cgroup.kill`, Linux 5.14). */
export function killCgroup(places: CgroupPlaces): void {
  // v1's freezer holds even what was killed.
  letGo(places);
  const { unified } = places;
  if (unified === null) return;
  try {
    writeFileSync(path.join(unified, 'cgroup.kill'), '1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
