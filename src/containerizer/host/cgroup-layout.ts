import { existsSync, readFileSync } from 'node:fs';
import { type ReadFile, readKernelFile, words } from './kernel-file.js';
import { isVisible, type Mount, parseMountTable } from './mount-table.js';
import { scopeDirectory, systemdRuns } from './systemd-scope.js';

/**
 * How this host arranges control groups (cgroups(7)). `unified`: every controller on v2; `hybrid`: v2 is mounted, v1 has
 * controllers too; `legacy`: v1 alone; `none`: no hierarchy is mounted.
 */
export interface CgroupLayout {
  layout: 'unified' | 'hybrid' | 'legacy' | 'none';
  /** Where the v2 hierarchy is mounted. */
  unified: string | null;
  /** The delegated scope of systemd that berth's cgroups lie in, there or not; null where they lie at the top: systemd does not manage the controllers. */
  scope: string | null;
  /** Mount point of each v1 controller, by v1's name (`blkio`, not `io`). */
  v1: Record<string, string>;
  /** Mount point of the v1 hierarchy without controllers that systemd keeps its units in (`name=systemd`); null: it has none, or does not run this host. */
  named: string | null;
  /** Which hierarchy has each controller, by v2's name. `devices` and `freezer` are controllers on v1 alone. */
  controllers: CgroupController[];
}

export interface CgroupController {
  name: string;
  hierarchy: 'v2' | 'v1' | 'none';
}

/** Reported whether the host has them or not: berth's limits are made of these. */
const essential = ['cpu', 'cpuset', 'io', 'memory', 'pids', 'hugetlb'];
/** What v1 may call a controller; its other mount options (`xattr`, `name=…`) are none. */
const v1Names = new Set([
  ...['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids'],
  ...['net_cls', 'net_prio', 'perf_event', 'hugetlb', 'rdma', 'misc', 'dmem'],
]);
const usualPlace = '/sys/fs/cgroup';

/** Reads the layout of the host. Only reads, takes some tens of microseconds, so it may be asked at every launch. */
export function detectCgroupLayout(): CgroupLayout {
  return describeCgroupLayout(
    readFileSync('/proc/self/mountinfo', 'utf8'),
    readKernelFile,
    existsSync(systemdRuns),
  );
}

/** The same from given texts: `mountinfo`, and `read` for `cgroup.controllers` of the v2 hierarchy (null: no such file); does systemd run the host? */
export function describeCgroupLayout(mountinfo: string, read: ReadFile, systemd: boolean): CgroupLayout {
  const table = parseMountTable(mountinfo);
  const visible = table
    .filter((mount) => mount.type.startsWith('cgroup') && isVisible(mount, table))
    .sort(byPlace);

  const unified = visible.find((mount) => mount.type === 'cgroup2')?.point ?? null;
  const v1: Record<string, string> = {};
  for (const mount of visible.filter((each) => each.type === 'cgroup')) {
    for (const option of mount.superOptions) if (v1Names.has(option)) v1[option] ??= mount.point;
  }
  const onV2 = unified === null ? [] : words(read(`${unified}/cgroup.controllers`));
  const onV1 = Object.keys(v1).map((name) => (name === 'blkio' ? 'io' : name));
  const names = [...new Set([...essential, ...onV2, ...onV1])];

  const layout = layoutOf(unified !== null, onV1.length > 0);
  const named = visible.find((mount) => mount.superOptions.includes('name=systemd'))?.point ?? null;

  return {
    layout,
    unified,
    scope: systemd && unified !== null && layout === 'unified' ? scopeDirectory(unified) : null,
    v1,
    named: systemd && layout !== 'unified' ? named : null,
    controllers: names.map((name) => ({
      name,
      hierarchy: onV2.includes(name) ? 'v2' : onV1.includes(name) ? 'v1' : 'none',
    })),
  };
}

function layoutOf(v2: boolean, v1: boolean): CgroupLayout['layout'] {
  if (v2) return v1 ? 'hybrid' : 'unified';
  return v1 ? 'legacy' : 'none';
}

/** A hierarchy may be mounted again elsewhere, in part or whole: the usual place counts first, then the order of the table. */
function byPlace(a: Mount, b: Mount): number {
  const rank = (mount: Mount) =>
    mount.point === usualPlace || mount.point.startsWith(`${usualPlace}/`) ? 0 : 1;
  return rank(a) - rank(b);
}
