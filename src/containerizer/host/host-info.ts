import { existsSync, readFileSync, statfsSync } from 'node:fs';
import os from 'node:os';
import type { Roots } from '../../state/roots.js';
import { detectCgroupLayout } from './cgroup-layout.js';
import { closestExisting } from './host-view.js';
import { isVisible, parseMountTable } from './mount-table.js';

/** What there is to say of this host, without trying anything. Sizes in bytes. */
export interface HostInfo {
  host: {
    name: string;
    kernel: string;
    /** As the distribution calls itself (os-release(5)); null: it does not. */
    os: string | null;
    architecture: string;
    cpus: number;
    memory: number;
    uptime_seconds: number;
  };
  cgroup: {
    layout: string;
    controllers: { name: string; hierarchy: string }[];
    /** Who the hierarchy belongs to. */
    manager: 'systemd' | 'none';
  };
  storage: {
    root: string;
    state: string;
    /** Of the root's file system; null: it could not be found. */
    file_system: string | null;
    size: number;
    free: number;
  };
}

export function hostInfo(roots: Roots): HostInfo {
  const { layout, controllers, scope } = detectCgroupLayout();
  const place = closestExisting({ exists: existsSync }, roots.root);
  const { bsize, blocks, bavail } = statfsSync(place);
  return {
    host: {
      name: os.hostname(),
      kernel: os.release(),
      os: distribution(),
      architecture: os.arch() === 'x64' ? 'amd64' : os.arch(),
      cpus: os.availableParallelism(),
      memory: os.totalmem(),
      uptime_seconds: os.uptime(),
    },
    cgroup: { layout, controllers, manager: scope === null ? 'none' : 'systemd' },
    storage: {
      ...roots,
      file_system: fileSystemOf(place),
      size: blocks * bsize,
      free: bavail * bsize,
    },
  };
}

function distribution(): string | null {
  try {
    const text = readFileSync('/etc/os-release', 'utf8');
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The type of the file system that a folder lies on: that of the longest mount point above it. */
function fileSystemOf(place: string): string | null {
  const table = parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
  const above = table.filter(
    (mount) =>
      (place === mount.point || place.startsWith(mount.point === '/' ? '/' : `${mount.point}/`)) &&
      isVisible(mount, table),
  );
  return above.sort((a, b) => b.point.length - a.point.length)[0]?.type ?? null;
}
