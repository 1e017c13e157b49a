import path from 'node:path';
import { assessDelegation } from './cgroup-delegation.js';
import type { CgroupLayout } from './cgroup-layout.js';
import { type Check, missing, ok, warn } from './check.js';
import type { HostView } from './host-view.js';
import { words } from './kernel-file.js';
import { checkScope } from './scope-checks.js';
import { limitsSwap } from './swap-accounting.js';

/** What the limits of `berth run` are made of, the flags that need each, and a file that says that the kernel can do it. */
const controllers = [
  { name: 'cpu', flags: '--cpus', v1: 'cpu.cfs_quota_us', v2: 'cpu.max', option: 'CONFIG_CFS_BANDWIDTH' },
  {
    name: 'memory',
    flags: '--memory',
    v1: 'memory.limit_in_bytes',
    v2: 'memory.max',
    option: 'CONFIG_MEMCG',
  },
  { name: 'pids', flags: '--pids-limit', v1: null, v2: 'pids.max', option: 'CONFIG_CGROUP_PIDS' },
  { name: 'cpuset', flags: '--cpuset-cpus', v1: 'cpuset.cpus', v2: 'cpuset.cpus', option: 'CONFIG_CPUSETS' },
  {
    ...{ name: 'io', flags: '--io-max', v1: 'blkio.throttle.read_bps_device', v2: 'io.max' },
    option: 'CONFIG_BLK_DEV_THROTTLING',
  },
] as const;

/** `own`: the cgroup of this process on a unified host; null: unknown. */
export function checkCgroups(layout: CgroupLayout, own: string | null, host: HostView): Check[] {
  if (layout.layout === 'none') {
    const mend = 'Mount the unified hierarchy: mount -t cgroup2 none /sys/fs/cgroup.';
    return [missing('cgroups', 'no hierarchy is mounted', mend)];
  }
  const where = layout.unified === null ? '' : `, v2 at ${layout.unified}`;
  return [
    ok('cgroups', `${layout.layout}${where}`),
    ...controllers.map((controller) => checkController(controller, layout, own, host)),
    ...checkSwap(layout, host),
    ...checkScope(layout, host),
    ...checkDelegation(layout, host),
    checkDevices(layout),
  ];
}

function checkController(
  { name, flags, v1, v2, option }: (typeof controllers)[number],
  layout: CgroupLayout,
  own: string | null,
  host: HostView,
): Check {
  const label = `cgroup ${name}`;
  const hierarchy = layout.controllers.find((each) => each.name === name)?.hierarchy ?? 'none';
  const configure = `Boot a kernel with ${option}=y.`;
  if (hierarchy === 'none') {
    // The root of the hierarchy alone has no cgroup.type: elsewhere it is the level above that gives a controller or doesn't.
    const below = layout.layout === 'unified' && host.exists(`${layout.unified}/cgroup.type`);
    const mend = below
      ? `Have ${name} delegated to this cgroup (for a systemd unit: Delegate=yes), or run berth on the host itself.`
      : `Start the kernel with the ${name} controller (no cgroup_disable=${name}) and mount it.`;
    return warn(label, `on no hierarchy: ${flags} is refused`, mend);
  }
  if (hierarchy === 'v2') {
    // The root has no limits, and a cgroup without the controller none of its files: only another one can tell.
    const tells = own !== null && words(host.read(`${own}/cgroup.controllers`)).includes(name);
    if (!tells || !host.exists(`${own}/cgroup.type`) || host.exists(`${own}/${v2}`)) return ok(label, 'v2');
    return warn(label, `v2, without ${v2}: ${flags} is refused`, configure);
  }
  const directory = layout.v1[name === 'io' ? 'blkio' : name] ?? '';
  if (!host.writable(directory)) {
    const mend = 'Run berth as root, with cgroups mounted rw.';
    return warn(label, `v1 at ${directory}, not writable: ${flags} is refused`, mend);
  }
  if (v1 !== null && !host.exists(path.join(directory, v1)))
    return warn(label, `v1 at ${directory}, without ${v1}: ${flags} is refused`, configure);
  return ok(label, `v1 at ${directory}`);
}

function checkSwap(layout: CgroupLayout, host: HostView): Check[] {
  const name = 'swap limits';
  // Without the controller there is nothing to add to its own check.
  if (layout.controllers.some((each) => each.name === 'memory' && each.hierarchy === 'none')) return [];
  if (limitsSwap(layout, host.exists)) {
    // A heading, and a line for each (proc_swaps(5)).
    const inUse = (host.read('/proc/swaps') ?? '').trim().split('\n').length > 1;
    return [ok(name, inUse ? 'swap is counted' : 'no swap is in use; it would be counted')];
  }
  const detail = 'swap is not counted: --memory-swap is refused, and --memory limits memory without it';
  const mend =
    layout.layout === 'unified'
      ? 'Boot a kernel with CONFIG_SWAP=y.'
      : 'Boot with swapaccount=1 on the kernel command line.';
  return [warn(name, detail, mend)];
}

/** Only a host that has everything on v2 depends on it: elsewhere the limits are v1's. */
function checkDelegation(layout: CgroupLayout, host: HostView): Check[] {
  if (layout.unified === null || layout.layout !== 'unified') return [];
  const name = 'cgroup delegation';
  const { lacking, how, mend } = assessDelegation(layout.unified, layout.scope, host);
  if (lacking.length === 0) return [ok(name, how)];
  // Every container has a limit of processes, unless the kernel knows none; for another user it is the check of root that fails.
  const limited = layout.controllers.some((each) => each.name === 'pids' && each.hierarchy === 'v2');
  const fatal = limited && lacking.includes('pids') && host.user === 0;
  const detail = `${how}: no ${lacking.join(', ')} limits`;
  return [fatal ? missing(name, detail, mend) : warn(name, detail, mend)];
}

function checkDevices({ layout, v1 }: CgroupLayout): Check {
  if (v1.devices !== undefined) return ok('cgroup devices', `v1 at ${v1.devices}`);
  if (layout === 'unified') return ok('cgroup devices', 'BPF programs on v2');
  return warn(
    'cgroup devices',
    'none: device files are withheld by mounts alone',
    'Mount the devices controller.',
  );
}
