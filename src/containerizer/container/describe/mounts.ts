import { BerthError } from '../../../errors/berth-error.js';
import type { RuntimeMount } from '../../../oci-spec/runtime.js';
import type { Tmpfs, Volume } from '../options.js';
import type { DescribeFacts } from './config.js';
import * as defaults from './defaults.js';

/** What is mounted, in order: what every container has, then what the caller asks for, from the root downward. */
export function mounts(facts: DescribeFacts): RuntimeMount[] {
  const asked = [
    ...(facts.volumes ?? []).map(bindMount),
    ...facts.options.tmpfs.map((each) => tmpfsMount(each, facts)),
  ];
  const taken = new Set<string>();
  for (const { destination } of asked) {
    if (taken.has(destination)) {
      throw new BerthError('USAGE', {
        what: `volume at ${destination}`,
        why: 'two are asked for at that place',
      });
    }
    taken.add(destination);
  }
  return [
    ...[...ownMounts(facts), ...facts.nameService].filter(({ destination }) => !taken.has(destination)),
    // A folder before what lies in it; else as given.
    ...asked.sort((a, b) => depth(a) - depth(b)),
  ];
}

function depth({ destination }: RuntimeMount): number {
  return destination.split('/').length;
}

/** /proc, /dev, /sys and what lies in them. */
function ownMounts(facts: DescribeFacts): RuntimeMount[] {
  const { options } = facts;
  const writable = options.privileged;
  return [
    // A user namespace may mount no proc of a pid namespace that is not its own: it sees the host's own mount (proc(5)).
    options.pid === 'host' && facts.idRange !== null ? defaults.hostProc : defaults.proc,
    ...defaults.deviceMounts,
    ...sharedMemory(facts),
    withoutReadonly(options.network === 'host' ? defaults.hostSysfs : defaults.ownSysfs, writable),
    ...cgroupMounts(facts).map((each) => withoutReadonly(each, writable)),
  ];
}

function withoutReadonly(mount: RuntimeMount, writable: boolean): RuntimeMount {
  return writable ? { ...mount, options: mount.options.filter((option) => option !== 'ro') } : mount;
}

/** /dev/shm and /dev/mqueue: of the IPC namespace that the container is in. */
function sharedMemory({ options, idRange, hostQueues }: DescribeFacts): RuntimeMount[] {
  const { ipc } = options;
  if (ipc === 'host') {
    return [
      defaults.hostBind('/dev/shm'),
      ...(idRange === null
        ? [defaults.queues]
        : hostQueues === true
          ? [defaults.hostBind('/dev/mqueue')]
          : []),
    ];
  }
  // The other container's (`mounts_of_peers` in launch.json).
  if (typeof ipc !== 'string') return [defaults.hostBind('/dev/shm'), defaults.queues];
  const size = options.shmSize === undefined ? {} : { size: options.shmSize };
  return [...(ipc === 'none' ? [] : [defaults.sharedMemory(size)]), defaults.queues];
}

function bindMount(volume: Volume): RuntimeMount {
  const { propagation = 'private' } = volume;
  return {
    destination: volume.target,
    type: 'bind',
    source: volume.source,
    options: [
      volume.recursive ? 'rbind' : 'bind',
      ...(volume.idmap ? ['idmap'] : []),
      ...(volume.plain === true ? ['x-berth.plain'] : []),
      volume.readonly ? 'ro' : 'rw',
      'nosuid',
      'nodev',
      ...(propagation === 'private' ? [] : [volume.recursive ? `r${propagation}` : propagation]),
    ],
  };
}

/** The owner's ids are those inside; a tmpfs is mounted from outside. */
function tmpfsMount({ target, options }: Tmpfs, { idRange }: DescribeFacts): RuntimeMount {
  const shifted = options.map((option) => {
    const [, key, id] = /^([ug]id)=(\d+)$/.exec(option) ?? [];
    if (key === undefined || idRange === null) return option;
    if (Number(id) < idRange.size) return `${key}=${idRange.first + Number(id)}`;
    throw new BerthError('USAGE', {
      what: `--tmpfs ${target}:${option}`,
      why: `the container has the ids 0 to ${idRange.size - 1}`,
    });
  });
  return {
    destination: target,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', 'noexec', ...shifted],
  };
}

/** The container's own cgroup where programs look for their limits, read-only. */
function cgroupMounts({ cgroup, options, idRange }: DescribeFacts): RuntimeMount[] {
  const flags = ['nosuid', 'noexec', 'nodev', 'ro'];
  if (cgroup.layout === 'unified') {
    // As with proc: what the user namespace does not own it can only be shown.
    if (options.cgroupns === 'host' && idRange !== null) return [defaults.hostBind('/sys/fs/cgroup', flags)];
    return [{ destination: '/sys/fs/cgroup', type: 'cgroup2', source: 'cgroup', options: flags }];
  }
  const controllers = Object.entries(cgroup.v1);
  if (controllers.length === 0) return [];
  return [
    {
      destination: '/sys/fs/cgroup',
      type: 'tmpfs',
      source: 'cgroup',
      options: ['nosuid', 'noexec', 'nodev', 'mode=755', 'size=64k'],
    },
    ...controllers.map(([name, source]) => ({
      destination: `/sys/fs/cgroup/${name}`,
      type: 'bind',
      source,
      options: ['bind', ...flags],
    })),
  ];
}
