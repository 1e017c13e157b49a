import { accessSync, constants, existsSync, lstatSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { native, type ProbeOutcome, type ProbeRequest } from '../../native/index.js';
import { type ReadFile, readKernelFile } from './kernel-file.js';

/** All that the checks ask of a host: this one, or one that was recorded. */
export interface HostView {
  /** The effective user. */
  user: number;
  read: ReadFile;
  exists(path: string): boolean;
  /** May this process write there? */
  writable(path: string): boolean;
  /** Is a program of that name where the system's programs are? */
  program(name: string): boolean;
  /** Of the file system that `path` lies on. */
  space(path: string): Space;
  /** Numbers of a character device; null: something else; undefined: nothing is there. */
  characterDevice(path: string): { major: number; minor: number } | null | undefined;
  /** Tries the kernel. Throws NOT_BUILT without the addon. */
  probe(request: ProbeRequest): Promise<ProbeOutcome[]>;
}

export interface Space {
  freeBytes: number;
  /** 0: the file system makes inodes as it needs them. */
  inodes: number;
  freeInodes: number;
}

const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export const thisHost: HostView = {
  user: process.geteuid?.() ?? -1,
  read: readKernelFile,
  exists: existsSync,
  writable(place) {
    try {
      accessSync(place, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  },
  program: (name) => programFolders.some((folder) => existsSync(path.join(folder, name))),
  space(place) {
    const { bsize, bavail, files, ffree } = statfsSync(place);
    return { freeBytes: bavail * bsize, inodes: files, freeInodes: ffree };
  },
  characterDevice(place) {
    const found = lstatSync(place, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    // As the kernel packs the numbers of old, small devices (linux/kdev_t.h).
    return found.isCharacterDevice() ? { major: found.rdev >> 8, minor: found.rdev & 0xff } : null;
  },
  probe: (request) => native().probeHost(request),
};

/** The path itself, or the closest folder above it that exists: where the path will be made. */
export function closestExisting(host: Pick<HostView, 'exists'>, place: string): string {
  return host.exists(place) || place === '/' ? place : closestExisting(host, path.dirname(place));
}
