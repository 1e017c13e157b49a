import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { letGo } from './cgroup-freezer.js';
import type { CgroupPlaces } from './cgroup-places.js';

/** For a task that outlived its supervisor (cgroup-v2.rst, `cgroup.kill`, Linux 5.14). */
export function killCgroup(places: CgroupPlaces): void {
  // v1's freezer holds even what was killed.
  letGo(places);
  const { unified } = places;
  if (unified === null) {
    killMembers(places);
    return;
  }
  try {
    writeFileSync(path.join(unified, 'cgroup.kill'), '1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Where only v1 groups processes. What is forked meanwhile is met by whoever looks next. */
function killMembers({ v1 }: CgroupPlaces): void {
  const [directory] = Object.values(v1);
  if (directory === undefined) return;
  try {
    const pids = readFileSync(path.join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
    for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ESRCH' && code !== 'ENODEV') throw error;
  }
}
