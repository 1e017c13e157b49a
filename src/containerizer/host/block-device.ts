import { readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';

export interface DeviceNumber {
  major: number;
  minor: number;
}

/** The disk that a path or MAJOR:MINOR names. The kernel limits whole disks, never partitions (cgroup-v2.rst, io.max). `flag` is for the error. */
export function findDisk(wanted: string, flag: string): DeviceNumber {
  const device = /^\d+:\d+$/.test(wanted) ? fromNumbers(wanted) : fromPath(wanted, flag);
  const name = `${device.major}:${device.minor}`;
  const place = `/sys/dev/block/${name}`;
  if (!exists(place)) throw unusable(flag, wanted, `this host has no block device ${name}`);
  if (exists(`${place}/partition`)) {
    // /sys/dev/block/M:m leads to …/block/DISK/PARTITION.
    const disk = path.basename(path.dirname(readlinkSync(place)));
    throw unusable(flag, wanted, `it is a partition, and limits are for whole disks`, `Name /dev/${disk}.`);
  }
  return device;
}

/** Every disk of this host with something on it, as MAJOR:MINOR: no loop device, whose file lies on one of them, and no disk in memory. */
export function limitedDisks(): string[] {
  return readdirSync('/sys/block')
    .filter((name) => !/^(?:loop|ram|zram)\d+$/.test(name) && read(`/sys/block/${name}/size`) !== '0')
    .map((name) => read(`/sys/block/${name}/dev`));
}

function read(file: string): string {
  return readFileSync(file, 'utf8').trim();
}

function fromNumbers(text: string): DeviceNumber {
  const [major = 0, minor = 0] = text.split(':').map(Number);
  return { major, minor };
}

function fromPath(wanted: string, flag: string): DeviceNumber {
  const status = path.isAbsolute(wanted) ? statIfThere(wanted) : undefined;
  if (status === undefined) throw unusable(flag, wanted, 'there is no such device');
  if (!status.isBlockDevice()) throw unusable(flag, wanted, 'it is not a block device');
  // makedev(3): twelve bits of the major number lie between the eight low and the others of the minor.
  const number = BigInt(status.rdev);
  return {
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n)),
    minor: Number((number & 0xffn) | ((number >> 12n) & 0xffffff00n)),
  };
}

function unusable(flag: string, wanted: string, why: string, mend = 'See lsblk for the disks.'): BerthError {
  return new BerthError('USAGE', { what: `${flag} ${wanted}`, why, mend });
}

function statIfThere(file: string): Stats | undefined {
  return statSync(file, { throwIfNoEntry: false });
}

function exists(file: string): boolean {
  return statIfThere(file) !== undefined;
}
