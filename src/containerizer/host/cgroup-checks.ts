import { assessDelegation } from './cgroup-delegation.js';
import type { CgroupLayout } from './cgroup-layout.js';
import { type Check, missing, ok, warn } from './check.js';
import type { ReadFile } from './kernel-file.js';

/** What the limits of `berth run` are made of, and the flags that need each. */
const controllers = [
  { name: 'cpu', flags: '--cpus' },
  { name: 'memory', flags: '--memory' },
  { name: 'pids', flags: '--pids-limit' },
  { name: 'cpuset', flags: '--cpuset-cpus' },
  { name: 'io', flags: '--io-max' },
] as const;

export interface CgroupFacts {
  layout: CgroupLayout;
  read: ReadFile;
  /** May this process write into the directory? */
  writable(directory: string): boolean;
  systemd: boolean;
}

export function checkCgroups(facts: CgroupFacts): Check[] {
  const { layout } = facts;
  if (layout.layout === 'none') {
    const mend = 'Mount the unified hierarchy: mount -t cgroup2 none /sys/fs/cgroup.';
    return [missing('cgroups', 'no hierarchy is mounted', mend)];
  }
  const where = layout.unified === null ? '' : `, v2 at ${layout.unified}`;
  return [
    ok('cgroups', `${layout.layout}${where}`),
    ...checkControllers(facts),
    ...checkDelegation(facts),
    checkDevices(layout),
  ];
}

function checkControllers({ layout, writable }: CgroupFacts): Check[] {
  return controllers.map(({ name, flags }) => {
    const label = `cgroup ${name}`;
    const hierarchy = layout.controllers.find((each) => each.name === name)?.hierarchy ?? 'none';
    if (hierarchy === 'none') {
      const mend = `Start the kernel with the ${name} controller (no cgroup_disable=${name}) and mount it.`;
      return warn(label, `on no hierarchy: ${flags} is refused`, mend);
    }
    if (hierarchy === 'v2') return ok(label, 'v2');
    const directory = layout.v1[name === 'io' ? 'blkio' : name] ?? '';
    if (writable(directory)) return ok(label, `v1 at ${directory}`);
    return warn(
      label,
      `v1 at ${directory}, not writable: ${flags} is refused`,
      'Run berth as root, with cgroups mounted rw.',
    );
  });
}

/** Only a host that has everything on v2 depends on it: elsewhere the limits are v1's. */
function checkDelegation({ layout, read, writable, systemd }: CgroupFacts): Check[] {
  if (layout.unified === null || layout.layout !== 'unified') return [];
  const delegation = assessDelegation({
    unified: layout.unified,
    wanted: ['cpu', 'memory', 'pids'],
    writable: writable(layout.unified),
    systemd,
    read,
  });
  const detail = delegation.how;
  if (delegation.lacking.length === 0) return [ok('cgroup delegation', detail)];
  const mend =
    'Run berth as root, outside a container or in one whose cgroup is delegated and has no process in its top.';
  return [warn('cgroup delegation', `${detail}: no ${delegation.lacking.join(', ')} limits`, mend)];
}

function checkDevices({ v1, unified }: CgroupLayout): Check {
  if (v1.devices !== undefined) return ok('cgroup devices', `v1 at ${v1.devices}`);
  if (unified !== null) return ok('cgroup devices', 'BPF programs on v2');
  return warn(
    'cgroup devices',
    'none: device files are withheld by mounts alone',
    'Mount the devices controller.',
  );
}
