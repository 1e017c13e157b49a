import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

/** What berth can leave behind on a host, each kind as a sorted list of names. */
export interface Inventory {
  /** `ID POINT SOURCE`: mounts of this mount namespace whose line mentions berth. */
  mounts: string[];
  /** Cgroup directories with berth in their name, in every mounted hierarchy. */
  cgroups: string[];
  /** `PID ARGV`: supervisors. */
  supervisors: string[];
  /** Network namespaces that some process is in or some mount keeps, by inode. */
  networks: string[];
  /** Paths below the given roots and below /run/lock/berth. */
  files: string[];
  /** `PID NAME` of ended children of this process that nobody has waited for. */
  zombies: string[];
  /** `PID NAME` of living children of this process. */
  children: string[];
}

const hostClaims = '/run/lock/berth';
/** Deep enough for berth-ROOTHASH/ID/task below a delegated scope. */
const cgroupDepth = 6;

/** Reads all of it now. `roots`: directories whose every file counts, e.g. a test's --root and --state. */
export function takeInventory(roots: readonly string[]): Inventory {
  const mounts = readText('/proc/self/mountinfo').split('\n');
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const own = processes.map((pid) => status(pid)).filter((each) => each?.parent === process.pid);
  return {
    mounts: mounts
      .filter((line) => line.includes('berth'))
      .map(nameOfMount)
      .sort(),
    cgroups: cgroupRoots(mounts)
      .flatMap((root) => cgroupsBelow(root, cgroupDepth))
      .sort(),
    supervisors: processes.flatMap(supervisor).sort(),
    networks: networks(processes, mounts),
    files: [...roots, hostClaims].flatMap(filesBelow).sort(),
    zombies: own.flatMap((each) => (each?.state === 'Z' ? [`${each.pid} ${each.name}`] : [])).sort(),
    children: own.flatMap((each) => (each && each.state !== 'Z' ? [`${each.pid} ${each.name}`] : [])).sort(),
  };
}

/** One line for each thing that `after` has and `before` had not: `mounts: …`. */
export function difference(before: Inventory, after: Inventory): string[] {
  return (Object.keys(after) as (keyof Inventory)[]).flatMap((kind) => {
    const known = new Set(before[kind]);
    return after[kind].filter((name) => !known.has(name)).map((name) => `${kind}: ${name}`);
  });
}

function nameOfMount(line: string): string {
  const [own = '', filesystem = ''] = line.split(' - ');
  const fields = own.split(' ');
  return `${fields[0]} ${fields[4]} ${filesystem}`;
}

function cgroupRoots(mounts: readonly string[]): string[] {
  const points = mounts.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4] ?? '');
  return [...new Set(points)];
}

function cgroupsBelow(directory: string, depth: number): string[] {
  if (depth === 0) return [];
  return entries(directory)
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const place = path.join(directory, entry.name);
      return [...(entry.name.includes('berth') ? [place] : []), ...cgroupsBelow(place, depth - 1)];
    });
}

function supervisor(pid: string): string[] {
  const words = readText(`/proc/${pid}/cmdline`).split('\0').filter(Boolean);
  return path.basename(words[0] ?? '') === 'berth-init' ? [`${pid} ${words.join(' ')}`] : [];
}

function networks(processes: readonly string[], mounts: readonly string[]): string[] {
  const joined = processes.map((pid) => /\d+/.exec(readLink(`/proc/${pid}/ns/net`))?.[0]);
  // A namespace that is kept by a bind mount of its file, as `ip netns add` does: its root in the table is net:[INODE].
  const kept = mounts.map((line) => /net:\[(\d+)\]/.exec(line)?.[1]);
  return [...new Set([...joined, ...kept].filter((inode) => inode !== undefined))].sort();
}

function filesBelow(directory: string): string[] {
  return entries(directory).flatMap((entry) => {
    const place = path.join(directory, entry.name);
    return entry.isDirectory() ? [place, ...filesBelow(place)] : [place];
  });
}

function status(pid: string): { pid: number; name: string; state: string; parent: number } | undefined {
  const match = /^(\d+) \((.*)\) (\S) (\d+)/s.exec(readText(`/proc/${pid}/stat`));
  if (match === null) return undefined;
  const [, number, name = '', state = '', parent] = match;
  return { pid: Number(number), name, state, parent: Number(parent) };
}

/** What has gone in the meantime, or is hidden from this user, is not there. */
function readText(file: string): string {
  return orGone('', () => readFileSync(file, 'utf8'));
}

function readLink(file: string): string {
  return orGone('', () => readlinkSync(file));
}

function entries(directory: string) {
  return orGone([], () => readdirSync(directory, { withFileTypes: true }));
}

function orGone<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ESRCH', 'EACCES', 'ENOTDIR', 'EINVAL', 'ENODEV'].includes(code)) return otherwise;
    throw error;
  }
}
