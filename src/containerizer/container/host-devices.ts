import { readdirSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import type { HostDevice } from './describe/devices.js';
import type { DeviceOption } from './options.js';

/** What `--device` names, as it is on the host now. A folder stands for all devices in it and below. */
export function resolveDevices(options: readonly DeviceOption[]): HostDevice[] {
  return options.flatMap(({ source, target, access }) => {
    const status = look(source);
    const found = status.isDirectory()
      ? devicesBelow(source, target, access, [])
      : toDevice(target, status, access);
    if (found.length > 0) return found;
    throw refused(source, status.isDirectory() ? 'there is no device in that folder' : 'it is no device');
  });
}

/** All that a privileged container is given: the host's /dev, but for what each container has of its own. */
export function allDevices(): HostDevice[] {
  return devicesBelow('/dev', '/dev', 'rwm', ['pts', 'shm', 'mqueue', 'fd', 'console', 'ptmx']);
}

function look(source: string): Stats {
  try {
    return statSync(source);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw refused(
      source,
      code === 'ENOENT' ? 'the host has no such device' : `it cannot be read: ${code}`,
      cause,
    );
  }
}

function refused(source: string, why: string, cause?: unknown): BerthError {
  return new BerthError('USAGE', { what: `--device ${source}`, why, cause });
}

/** Links are passed over: what they lead to is met where it lies, or lies outside. */
function devicesBelow(
  source: string,
  target: string,
  access: string,
  except: readonly string[],
): HostDevice[] {
  return readdirSync(source, { withFileTypes: true }).flatMap((entry) => {
    if (except.includes(entry.name)) return [];
    const from = path.join(source, entry.name);
    const to = path.posix.join(target, entry.name);
    if (entry.isDirectory()) return devicesBelow(from, to, access, []);
    return entry.isCharacterDevice() || entry.isBlockDevice() ? toDevice(to, statSync(from), access) : [];
  });
}

function toDevice(at: string, status: Stats, access: string): HostDevice[] {
  const type = status.isCharacterDevice() ? 'c' : status.isBlockDevice() ? 'b' : undefined;
  if (type === undefined) return [];
  const { uid, gid, rdev } = status;
  return [{ path: at, type, ...numbers(rdev), mode: status.mode & 0o7777, uid, gid, access }];
}

/** makedev(3): 12 and 8 bits that go back to 16 bits altogether, and the rest around them. */
function numbers(rdev: number): { major: number; minor: number } {
  const device = BigInt(rdev);
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
