import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CgroupPlaces } from './cgroup-places.js';

/** How one layout holds the processes of a cgroup: `cgroup.freeze` (cgroup-v2.rst), or v1's freezer (freezer-subsystem.rst). */
interface Freezer {
  file: string;
  freeze: string;
  thaw: string;
  /** Where the kernel says that every process is held; freezing takes a moment. */
  events: string;
  isFrozen(events: string): boolean;
}

function freezerOf({ unified, v1 }: CgroupPlaces): Freezer | undefined {
  // A hybrid host's unified hierarchy has no controllers, but this is none.
  if (unified !== null) {
    return {
      file: path.join(unified, 'cgroup.freeze'),
      freeze: '1',
      thaw: '0',
      events: path.join(unified, 'cgroup.events'),
      isFrozen: (text) => /^frozen 1$/m.test(text),
    };
  }
  if (v1.freezer === undefined) return undefined;
  const file = path.join(v1.freezer, 'freezer.state');
  const isFrozen = (text: string) => text.trim() === 'FROZEN';
  return { file, freeze: 'FROZEN', thaw: 'THAWED', events: file, isFrozen };
}

/** Are the container's processes held, or about to be? The kernel's word: nothing else keeps it. */
export function isHeld(places: CgroupPlaces): boolean {
  const freezer = freezerOf(places);
  const state = freezer === undefined ? '' : readIfThere(freezer.file).trim();
  return state !== '' && state !== freezer?.thaw;
}

const patienceMilliseconds = 10_000;
const longestPause = 20;

/** Holds every process. False, and nothing is held: one of them cannot be, being deep in the kernel. Undefined: there is no freezer. */
export async function hold(places: CgroupPlaces): Promise<boolean | undefined> {
  const freezer = freezerOf(places);
  if (freezer === undefined) return undefined;
  const deadline = Date.now() + patienceMilliseconds;
  for (let pause = 1; ; pause = Math.min(longestPause, pause * 2)) {
    // v1 gives up on a process that was being born; asked again, it goes on.
    writeFileSync(freezer.file, freezer.freeze);
    if (freezer.isFrozen(readIfThere(freezer.events))) return true;
    if (Date.now() > deadline) break;
    await sleep(pause);
  }
  letGo(places);
  return false;
}

/** Lets every process go on. One that has gone, or was not held, is no error. */
export function letGo(places: CgroupPlaces): void {
  const freezer = freezerOf(places);
  if (freezer === undefined || !isHeld(places)) return;
  try {
    writeFileSync(freezer.file, freezer.thaw);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isGone(error)) return '';
    throw error;
  }
}

/** ENODEV: the cgroup was removed after the file was opened. */
function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENODEV';
}
