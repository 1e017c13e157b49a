/**
 * What was counted at one moment, as the kernel gave it: times in seconds, sizes in bytes, counters since the start of what
 * they count, clocks in CLOCK_BOOTTIME. A counter that the kernel does not give is null. Plain data: a snapshot can be written
 * as JSON and read again.
 */
export interface Snapshot {
  /** In the order of the tasks that were asked for. */
  tasks: TaskCounters[];
  /** The same tasks as wholes, where that was asked for. */
  usage?: UsageCounters[];
  processes: ProcessCounters[];
  threads: ThreadCounters[];
}

export const taskFields = [
  'at',
  'cpu',
  'throttled',
  'memory_stall',
  'memory',
  'inactive_file',
  'memory_limit',
] as const;

export const usageFields = [
  'user',
  'system',
  'periods',
  'throttled_periods',
  'anonymous',
  'file',
  'mapped',
  'swap',
  'processes',
  'threads',
  'read_bytes',
  'write_bytes',
  'received',
  'sent',
  'cpu_some',
  'cpu_full',
  'memory_some',
  'memory_full',
  'io_some',
  'io_full',
] as const;

export const processFields = [
  'at',
  'task',
  'pid',
  'inner_pid',
  'start',
  'state',
  'threads',
  'user',
  'system',
  'major_faults',
  'resident',
  'proportional',
  'descriptors',
  'read_bytes',
  'write_bytes',
] as const;

export const threadFields = [
  'at',
  'process',
  'tid',
  'start',
  'state',
  'on_cpu',
  'waiting',
  'user',
  'system',
  'block_io',
  'paging',
  'reclaim',
  'major_faults',
  'voluntary',
  'involuntary',
  'read_bytes',
  'write_bytes',
] as const;

type Counters<Field extends string, Sure extends Field> = Record<Sure, number> &
  Record<Exclude<Field, Sure>, number | null>;

/** `throttled` and `memory_stall` are seconds since the cgroup was made. */
export type TaskCounters = Counters<(typeof taskFields)[number], 'at'>;

/** `processes` and `threads` are counts of now; `some` and `full` seconds of pressure (accounting/psi.rst). */
export type UsageCounters = Counters<(typeof usageFields)[number], never>;

/** `task` is an index of the tasks asked for; `state` the character code of the kernel's letter. */
export type ProcessCounters = Counters<
  (typeof processFields)[number],
  'at' | 'task' | 'pid' | 'start' | 'state' | 'threads' | 'user' | 'system' | 'major_faults'
> & { name: string };

/** `process` is an index of the same snapshot's processes. */
export type ThreadCounters = Counters<
  (typeof threadFields)[number],
  'at' | 'process' | 'tid' | 'start' | 'state' | 'user' | 'system' | 'major_faults'
> & { name: string };
