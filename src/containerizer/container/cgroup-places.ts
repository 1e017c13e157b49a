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
  /** v1: the container's directory by controller; `systemd` has none: a container that is there is no part of the unit or session that launched it. */
  v1: Record<string, string>;
  /** v1: the same for what it has no need of at its start; a change of its limits may take it there. */
  later?: Record<string, string>;
}

/** What berth always limits or measures with on v1; on v2 all of it is in the one directory. */
const usedOnV1 = ['memory', 'cpuacct', 'pids', 'devices'];
/** Each hierarchy costs every launch, and without a limit there is nothing in these to see. */
const onDemandOnV1 = ['cpu', 'cpuset', 'blkio', 'hugetlb', 'net_cls', 'net_prio'];

let hostLayout: CgroupLayout | undefined;

/** The layout of this host, which does not change while it runs. */
export function layoutOfHost(): CgroupLayout {
  hostLayout ??= detectCgroupLayout();
  return hostLayout;
}

/**
 * Every cgroup of a root lies below `berth-ROOTHASH`, so that whose it is can be seen. `needed`: the v1 controllers that this container needs at its start
 * besides those that each has.
 */
export function cgroupPlaces(
  roots: Roots,
  id: string,
  needed: ReadonlySet<string> = new Set(),
  layout = layoutOfHost(),
): CgroupPlaces {
  const { unified, scope, v1: mounts, named, layout: kind } = layout;
  const home = scope ?? unified;
  const group = `berth-${rootHash(roots)}`;
  // Without a unified hierarchy only the freezer can hold a container.
  const used = [...usedOnV1, ...(unified === null ? ['freezer'] : [])];
  const join = (names: readonly string[]) =>
    Object.fromEntries(
      names.flatMap((name) => {
        const mount = mounts[name];
        return mount === undefined ? [] : [[name, `${mount}/${group}/${id}`]];
      }),
    );
  // Mounted together with one in use, a hierarchy is joined anyway.
  const mountsUsed = new Set(used.map((name) => mounts[name]));
  const asked = onDemandOnV1.filter((name) => needed.has(name) || mountsUsed.has(mounts[name]));
  const own = named === null ? {} : { systemd: `${named}/${group}/${id}` };
  const v1 = { ...join([...used, ...asked]), ...own };
  return {
    layout: kind,
    unified: home === null ? null : `${home}/${group}/${id}`,
    supervisors: home === null ? null : `${home}/${group}/supervisors`,
    scope,
    unifiedControls: kind === 'unified',
    v1,
    later: join(onDemandOnV1.filter((name) => !asked.includes(name))),
  };
}

/**
 * Directories of a container in those of another, whose limits hold for both together. No controller is passed on to them: on v2 the kernel would take no process in the
 * other's own any more (cgroup-v2.rst, "no internal process constraint").
 */
export function placesWithin(places: CgroupPlaces, id: string): CgroupPlaces {
  const below = (directory: string) => path.join(directory, id);
  return {
    ...places,
    unified: places.unified === null ? null : below(places.unified),
    unifiedControls: false,
    v1: Object.fromEntries(Object.entries(places.v1).map(([name, directory]) => [name, below(directory)])),
    later: {},
  };
}

/** The `cgroup` member of launch.json (docs/reference/launch-json.md). */
export function cgroupFacts({ unified, supervisors, unifiedControls, v1, later }: CgroupPlaces) {
  return {
    unified: unified ?? '',
    supervisors: supervisors ?? '',
    unified_controls: unifiedControls,
    v1,
    later: later ?? {},
  };
}

/** Does this host have that v1 or v2 controller for containers? */
export function hasController({ layout, v1, controllers }: CgroupLayout, name: string): boolean {
  // What v1 has the devices controller for, v2 does with a program of its own.
  if (layout === 'unified')
    return name === 'devices' || controllers.some((each) => each.name === name && each.hierarchy === 'v2');
  return v1[name] !== undefined;
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
        : { ...places.later, ...places.v1 },
  };
}

/** Every directory, for removal. */
export function cgroupDirectories(places: CgroupPlaces): string[] {
  const { unified, v1, later } = places;
  return [
    ...new Set([...(unified === null ? [] : [unified]), ...Object.values(v1), ...Object.values(later ?? {})]),
  ];
}
