import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import path from 'node:path';
import type { ImageContent } from '../images/layout/layout.js';
import { writeLayout } from '../images/layout/layout.js';
import { parseMountTable } from '../src/containerizer/host/mount-table.js';
import { BerthError } from '../src/errors/berth-error.js';
import type { Roots } from '../src/state/roots.js';
import { removeCgroup, removeRootCgroups } from './root-cgroups.js';

/** Linked statically, it needs nothing but itself in a root file system. */
export const busybox = '/bin/busybox';
export const busyboxCommands = ['true', 'sleep', 'sh'];

/** Where a benchmark keeps all that it makes, apart from every installation of berth and of its peers. */
export interface Workspace {
  /** Durable things, on the disk that /var is on. */
  directory: string;
  /** Volatile ones, of all runtimes alike: in memory, as /run is on a host with systemd. */
  volatile: string;
  roots: Roots;
  /** An OCI layout: busybox and empty folders. */
  layout: string;
  /** Parent of the peers' cgroups, from the top of each hierarchy. */
  cgroupParent: string;
}

export async function openWorkspace(): Promise<Workspace> {
  const directory = mkdtempSync('/var/tmp/berth-bench-');
  // The root of a user namespace is another user, and has to get to its bundle.
  chmodSync(directory, 0o711);
  try {
    const volatile = mkdtempSync(path.join(memoryFolder(), 'berth-bench-'));
    const roots = { root: path.join(directory, 'root'), state: path.join(volatile, 'state') };
    const workspace = {
      directory,
      volatile,
      roots,
      layout: path.join(directory, 'busybox'),
      cgroupParent: `/berth-test-bench-${process.pid}`,
    };
    await writeLayout(workspace.layout, busyboxImage());
    return workspace;
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw error;
    throw new BerthError('HOST_LACKS', {
      what: 'bench',
      why: (error as Error).message,
      mend: 'Install a busybox that is linked statically: apt-get install busybox-static.',
      cause: error,
    });
  }
}

const tmpfsMagic = 0x01021994; // statfs(2)

function memoryFolder(): string {
  return statfsSync('/run').type === tmpfsMagic ? '/run' : '/dev/shm';
}

export const busyboxFolders = ['dev', 'etc', 'proc', 'run', 'sys', 'tmp'];

function busyboxImage(): ImageContent {
  return {
    tag: 'latest',
    layers: [
      [
        { path: busybox.slice(1), mode: 0o755, kind: 'copy', from: busybox },
        ...busyboxCommands.map((name) => ({
          path: `bin/${name}`,
          mode: 0o777,
          kind: 'symlink' as const,
          target: 'busybox',
        })),
        ...busyboxFolders.map((name) => ({ path: name, mode: 0o755, kind: 'directory' as const })),
      ],
    ],
    config: { Cmd: ['/bin/true'] },
  };
}

export function closeWorkspace({ directory, volatile, roots, cgroupParent }: Workspace): void {
  for (const folder of [directory, volatile]) rmSync(folder, { recursive: true, force: true });
  removeRootCgroups(roots);
  for (const hierarchy of cgroupHierarchies()) {
    // podman gives conmon a group of its own below the parent.
    removeCgroup(path.join(hierarchy, cgroupParent, 'conmon'));
    removeCgroup(path.join(hierarchy, cgroupParent));
  }
}

function cgroupHierarchies(): string[] {
  return parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'))
    .filter(({ type }) => type === 'cgroup' || type === 'cgroup2')
    .map(({ point }) => point);
}

/** A new folder of the workspace, open to others too. */
export function openFolder(parent: string, name: string): string {
  const folder = path.join(parent, name);
  mkdirSync(folder, { mode: 0o755 });
  return folder;
}
