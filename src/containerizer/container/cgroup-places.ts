import path from 'node:path';
import { type Roots, rootHash } from '../../state/roots.js';
import { type CgroupLayout, detectCgroupLayout } from '../host/cgroup-layout.js';

/** Where one container's cgroups lie; the native launcher makes them. */
export interface CgroupPlaces {
  layout: CgroupLayout['layout'];
  /** v2: the container's directory, and the one that all supervisors of this root live in; null without a unified hierarchy. */
  unified: string | null;
  supervisors: string | null;
  /** The scope of systemd that both lie in; null: none. It is there while anything is in it (`holdScope`). */
  scope: string | null;
  /** Whether the unified hierarchy has the controllers. */
  unifiedControls: boolean;
  /** v1: the container's directory by controller. */
  v1: Record<string, string>;
}

/** What berth limits or measures with on v1; on v2 all of it is in the one directory. */
const usedOnV1 = ['memory', 'cpu', 'cpuacct', 'pids', 'devices'];

let hostLayout: CgroupLayout | undefined;

/** Every cgroup of a root lies below `berth-ROOTHASH`, so that whose it is can be seen. */
export function cgroupPlaces(roots: Roots, id: string, layout?: CgroupLayout): CgroupPlaces {
  // A host does not change its layout while it runs.
  hostLayout ??= detectCgroupLayout();
  const { unified, scope, v1: mounts, layout: kind } = layout ?? hostLayout;
  const home = scope ?? unified;
  const group = `berth-${rootHash(roots)}`;
  const v1: Record<string, string> = {};
  for (const name of usedOnV1) {
    const mount = mounts[name];
    if (mount !== undefined) v1[name] = path.join(mount, group, id);
  }
  return {
    layout: kind,
    unified: home === null ? null : path.join(home, group, id),
    supervisors: home === null ? null : path.join(home, group, 'supervisors'),
    scope,
    unifiedControls: kind === 'unified',
    v1,
  };
}

/** Which directories tell of a task: its processes, and each controller's accounts. */
export function cgroupAccounts(places: CgroupPlaces): {
  layout: string;
  procs: string | null;
  controllers: Record<string, string>;
} {
  const { unified } = places;
  const all = ['memory', 'cpu', 'pids', 'io'];
  return {
    layout: places.layout,
    procs: unified ?? places.v1.pids ?? places.v1.memory ?? null,
    controllers:
      places.unifiedControls && unified !== null
        ? Object.fromEntries(all.map((name) => [name, unified]))
        : places.v1,
  };
}

/** Every directory, for removal. */
export function cgroupDirectories(places: CgroupPlaces): string[] {
  return [...(places.unified === null ? [] : [places.unified]), ...new Set(Object.values(places.v1))];
}
