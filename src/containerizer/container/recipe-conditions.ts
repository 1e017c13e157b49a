import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { installationFolder } from '../../installation.js';
import { currentBootId } from '../../state/live-process.js';
import type { Roots } from '../../state/roots.js';
import { swapAccount } from '../host/swap-accounting.js';
import { systemdRuns } from '../host/systemd-scope.js';
import { storePaths } from '../image/store.js';
import { policyFiles } from '../policy/read.js';
import { layoutOfHost } from './cgroup-places.js';
import { subordinateIds } from './id-claim.js';
import type { LaunchImage } from './launch.js';

/** What must be as it was for a recipe to hold. native/front/conditions.cc looks at the same. */
export interface Conditions {
  boot_id: string;
  /** Of berth-front: another build may read a recipe in another way. */
  front: string;
  /** The mounts that decide where control groups lie, by digest. */
  mounts: string;
  /** Files by the digest of what is in them; null: there is none. */
  files: Record<string, string | null>;
  /** Is anything there? */
  paths: Record<string, boolean>;
  /** Folders and files that must be there still, by device and inode. */
  places: Record<string, string>;
}

/** All of them but those of the layers; looked at before a launch and after it. `source`: the index of the layout that the image is from. */
export function conditionsNow(roots: Roots, source: string | undefined): Conditions {
  const layout = layoutOfHost();
  const { unified } = layout;
  const swap = swapAccount(layout);
  const files = [
    storePaths(roots).index,
    subordinateIds,
    // By which the image may be run.
    ...policyFiles(),
    ...(unified === null ? [] : [path.join(unified, 'cgroup.controllers')]),
    ...(source === undefined ? [] : [source]),
  ];
  const paths = [systemdRuns, ...(swap === undefined ? [] : [swap])];
  return {
    boot_id: currentBootId(),
    front: frontIdentity(),
    mounts: digest(cgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'))),
    files: Object.fromEntries(files.map((file) => [file, fileDigest(file)])),
    paths: Object.fromEntries(paths.map((each) => [each, existsSync(each)])),
    places: {},
  };
}

/** Throws where one is not there. */
export function withLayers(conditions: Conditions, { layers, mounted = [] }: LaunchImage): Conditions {
  const records = layers.map((layer) => path.join(path.dirname(layer), 'layer.json'));
  const images = new Set(mounted.map(({ directory }) => directory));
  const named = (layer: string) => {
    // What is mounted may be mounted anew.
    const place = images.has(layer) ? `${layer}.erofs` : layer;
    const { dev, ino } = statSync(place, { bigint: true });
    return [place, `${dev}:${ino}`];
  };
  return {
    ...conditions,
    files: { ...conditions.files, ...Object.fromEntries(records.map((file) => [file, fileDigest(file)])) },
    places: Object.fromEntries(layers.map(named)),
  };
}

const front = path.join(installationFolder, 'build/Release/berth-front');

export function frontExists(): boolean {
  return existsSync(front);
}

function frontIdentity(): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(front, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** The lines of /proc/self/mountinfo of control groups, and of what lies on the way to them: it might hide them (proc_pid_mountinfo(5)). */
export function cgroupMounts(mountinfo: string): string {
  const lines = mountinfo.split('\n').filter((line) => line !== '');
  const pointOf = (line: string) => line.split(' ')[4] ?? '';
  const isCgroup = (line: string) => line.includes(' - cgroup');
  const points = lines.filter(isCgroup).map(pointOf);
  const leadsToOne = (point: string) =>
    points.some((each) => each === point || point === '/' || each.startsWith(`${point}/`));
  return lines.filter((line) => isCgroup(line) || leadsToOne(pointOf(line))).join('\n');
}

function fileDigest(file: string): string | null {
  try {
    return digest(readFileSync(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function digest(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}
