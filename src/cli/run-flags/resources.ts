import { InvalidArgumentError, Option } from 'commander';
import type { IoLimit, ResourceLimits } from '../../containerizer/container/limits.js';
import { diskRate, diskRates } from './disk-rate.js';
import { type FlagGroup, type Fragment, repeatable } from './group.js';
import { bytes, bytesOrNone, cpus, processes, wholeNumber } from './quantity.js';

export interface LimitFlags {
  memory?: number;
  memorySwap?: number;
  memoryReservation?: number;
  memorySwappiness?: number;
  pidsLimit?: number;
  cpus?: number;
  cpuShares?: number;
  cpuQuota?: number;
  cpuPeriod?: number;
  cpusetCpus?: string;
  cpusetMems?: string;
  blkioWeight?: number;
  ioMax?: IoLimit[];
  deviceReadBps?: IoLimit[];
  deviceWriteBps?: IoLimit[];
  deviceReadIops?: IoLimit[];
  deviceWriteIops?: IoLimit[];
  cgroupConf?: [string, string][];
}

/** The limits that may also be changed while a container runs. */
export const limitFlags: Option[] = [
  new Option('-m, --memory <size>', 'memory limit, e.g. 512m').argParser(bytes),
  new Option(
    '--memory-swap <size>',
    'limit of memory and swap together, -1 for any swap (default: twice the memory)',
  ).argParser(bytesOrNone),
  new Option('--memory-reservation <size>', 'what is left to it while the host is short of memory').argParser(
    bytes,
  ),
  new Option(
    '--memory-swappiness <number>',
    'how readily its memory goes to swap, 0 to 100; cgroup v1 alone',
  ).argParser(wholeNumber(0, 100, 'It is a number from 0 to 100.')),
  new Option(
    '--pids-limit <number>',
    'limit of processes and threads, -1 for none (default: 2048)',
  ).argParser(processes),
  new Option('--cpus <number>', "CPU limit in CPUs' worth of time, e.g. 1.5").argParser(cpus),
  new Option(
    '-c, --cpu-shares <number>',
    'its weight beside other containers, 2 to 262144; 1024 is usual',
  ).argParser(wholeNumber(2, 262_144, 'It is a number from 2 to 262144.')),
  new Option(
    '--cpu-quota <microseconds>',
    'CPU time in each period, 1000 or more, -1 for no limit',
  ).argParser(cpuQuota),
  new Option('--cpu-period <microseconds>', 'the length of a period, 1000 to 1000000').argParser(
    wholeNumber(1000, 1_000_000, 'It is a number of microseconds from 1000 to 1000000.'),
  ),
  new Option('--cpuset-cpus <list>', 'the CPUs to run on, e.g. 0-2,7'),
  new Option('--cpuset-mems <list>', 'the memory nodes to use, e.g. 0'),
  new Option(
    '--io-max <device:key=rate,...>',
    'limits on a disk: rbps, wbps, riops, wiops; max for none (repeatable)',
  ).argParser(repeatable(diskRates)),
  ...(
    [
      ['read-bps', 'bytes read', 'rbps'],
      ['write-bps', 'bytes written', 'wbps'],
      ['read-iops', 'reads', 'riops'],
      ['write-iops', 'writes', 'wiops'],
    ] as const
  ).map(([name, what, key]) =>
    new Option(
      `--device-${name} <device:rate>`,
      `limit of ${what} a second on a disk (repeatable)`,
    ).argParser(repeatable(diskRate(key))),
  ),
  new Option('--blkio-weight <number>', 'weight of its I/O, 10 to 1000').argParser(
    wholeNumber(10, 1000, 'It is a number from 10 to 1000.'),
  ),
  new Option(
    '--cgroup-conf <file=value>',
    'write into a file of its cgroup, e.g. memory.high=67108864; cgroup v2 alone (repeatable)',
  ).argParser(repeatable(cgroupFile)),
];

/** Flags whose value is the limit. */
const plain = [
  'memory',
  'memorySwap',
  'memoryReservation',
  'memorySwappiness',
  'pidsLimit',
  'cpus',
  'cpuShares',
  'cpuQuota',
  'cpuPeriod',
  'cpusetCpus',
  'cpusetMems',
  'blkioWeight',
] as const satisfies readonly (keyof LimitFlags & keyof ResourceLimits)[];

function cpuQuota(text: string): number {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && (value === -1 || value >= 1000) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It is a number of microseconds, 1000 or more, or -1 for no limit.');
}

function cgroupFile(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (/^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+=/.test(text)) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new InvalidArgumentError('It is FILE=VALUE with a file of cgroup v2, e.g. memory.high=67108864.');
}

/** What those flags say. */
export function limitsSaid(given: LimitFlags): ResourceLimits {
  const { ioMax, deviceReadBps, deviceWriteBps, deviceReadIops, deviceWriteIops, cgroupConf } = given;
  const io = [ioMax, deviceReadBps, deviceWriteBps, deviceReadIops, deviceWriteIops].flatMap(
    (each) => each ?? [],
  );
  return {
    ...Object.fromEntries(plain.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]]))),
    ...(io.length === 0 ? {} : { io }),
    ...(cgroupConf === undefined ? {} : { cgroupConf: Object.fromEntries(cgroupConf) }),
  };
}

/** The same for a new container. Refuses at once what this host cannot be asked for. */
async function newLimits(given: LimitFlags): Promise<ResourceLimits> {
  const limits = limitsSaid(given);
  if (Object.keys(limits).length === 0) return limits;
  const { checkLimits } = await import('../../containerizer/container/limit-check.js');
  checkLimits(limits);
  return limits;
}

interface Given extends LimitFlags {
  oomKillDisable?: true;
  oomScoreAdj?: number;
}

/** How much it may use. */
export const resources: FlagGroup<Given> = {
  title: 'Resources',
  flags: [
    ...limitFlags,
    new Option('--oom-kill-disable', 'let it wait for memory instead of killing in it; cgroup v1 alone'),
    new Option(
      '--oom-score-adj <number>',
      'how ready the kernel is to kill it when memory runs out, -1000 to 1000',
    ).argParser(wholeNumber(-1000, 1000, 'It is a number from -1000 to 1000.')),
  ],
  collect: async (given): Promise<Fragment> => ({
    ...(await newLimits(given)),
    oomKillDisable: given.oomKillDisable,
    oomScoreAdj: given.oomScoreAdj,
  }),
};
