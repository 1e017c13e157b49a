import type { RuntimeDevice, RuntimeMount, RuntimeResources } from '../../../oci-spec/runtime.js';

/**
 * What a container may do as root inside: enough to install packages and drop privileges. Fewer than Docker's fourteen: no raw sockets, no device nodes,
 * no writing to the audit log.
 */
export const defaultCapabilities: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Processes and threads together; a fork bomb ends here. `--pids-limit` changes it. */
export const defaultPidsLimit = 2048;

/** Knobs and secrets of the host that namespaces do not cover. */
export const maskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

export const readonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

export const proc: RuntimeMount = mount('/proc', 'proc', ['nosuid', 'noexec', 'nodev']);

/** The host's own, without what is mounted in it. */
export const hostProc: RuntimeMount = hostBind('/proc');

export const deviceMounts: readonly RuntimeMount[] = [
  mount('/dev', 'tmpfs', ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=65536k']),
  mount('/dev/pts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']),
];

/** `size` in bytes. */
export function sharedMemory({ size = 64 << 20 }: { size?: number }): RuntimeMount {
  return mount('/dev/shm', 'tmpfs', [
    'nosuid',
    'noexec',
    'nodev',
    'mode=1777',
    `size=${Math.floor(size / 1024)}k`,
  ]);
}

export const queues: RuntimeMount = mount('/dev/mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev']);

/** What the host has at that place, at the same place. */
export function hostBind(path: string, options = ['nosuid', 'noexec', 'nodev']): RuntimeMount {
  return { destination: path, type: 'bind', source: path, options: ['bind', ...options] };
}

export const ownSysfs: RuntimeMount = mount('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro']);

/** On the host's network the kernel gives no sysfs of one's own (it shows network devices): the host's, read-only, without what is mounted in it. */
export const hostSysfs: RuntimeMount = hostBind('/sys', ['nosuid', 'noexec', 'nodev', 'ro']);

function mount(destination: string, type: string, options: string[]): RuntimeMount {
  return { destination, type, source: type, options };
}

export const devices: readonly RuntimeDevice[] = [
  device('/dev/null', 1, 3),
  device('/dev/zero', 1, 5),
  device('/dev/full', 1, 7),
  device('/dev/random', 1, 8),
  device('/dev/urandom', 1, 9),
  device('/dev/tty', 5, 0),
];

function device(path: string, major: number, minor: number): RuntimeDevice {
  return { path, type: 'c', major, minor, fileMode: 0o666, uid: 0, gid: 0 };
}

/** Everything denied but the nodes above and pseudo-terminals. Making nodes harms nobody: using them is what is checked. */
export const deviceRules: NonNullable<RuntimeResources['devices']> = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...devices.map(({ major, minor }) => ({ allow: true, type: 'c' as const, major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' },
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];
