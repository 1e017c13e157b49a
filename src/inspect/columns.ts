import type { Microstates } from './microstates.js';
import { bytes, decimal, duration, share, whole } from './quantity.js';
import type { Row } from './row.js';

/** A list of tasks, or one task and what is in it. */
export type View = 'list' | 'tree';

/**
 * One member of a row: how every front names, places and formats it. The order is that of the JSON members, and of the
 * columns of a view.
 */
export interface Column {
  /** The member's name in JSON. */
  member: keyof Row | `microstates.${keyof Microstates}`;
  header: string;
  align: 'left' | 'right';
  /** The views whose table shows it; JSON has every member always. */
  views: readonly View[];
  /** The longest text that a table shows, unless it is asked not to cut. */
  longest?: number;
  text(row: Row): string;
  meaning: string;
}

const both: readonly View[] = ['list', 'tree'];

export const columns: readonly Column[] = [
  text('level', 'LEVEL', [], 'cluster, node, task, process or thread'),
  text('id', 'ID', ['list'], 'The task; TASK/PID for a process, TASK/PID/TID for a thread', 12),
  {
    ...text('name', 'NAME', both, "The container's name; the command name of a process or thread", 20),
    text: (row) => indent(row) + row.name,
  },
  text('parent_id', 'PARENT', [], 'The id of the row that this one belongs to'),
  text('node', 'NODE', [], 'The host'),
  text('task_id', 'TASK', [], 'The task that the process or thread belongs to'),
  text('zone', 'ZONE', [], 'The zone that the task runs in'),
  text('image', 'IMAGE', ['list'], 'The image that the task was made from', 18),
  text('address', 'ADDRESS', [], 'Its IPv4 address, if it is on a network of its own'),
  text('ports', 'PORTS', [], 'Ports of the host that lead to it; shown where a container has any'),
  number('pid', 'PID', ['tree'], whole, 'The process on the host; for a task its first one'),
  number('nspid', 'NSPID', ['tree'], whole, 'The same process as its own pid namespace numbers it'),
  number('tid', 'TID', ['tree'], whole, 'The thread on the host'),
  text('state', 'STATE', both, "The task's state; running, sleeping, disk_sleep, … of a process or thread"),
  text('start_time', 'STARTED', [], 'When it started'),
  number('uptime_seconds', 'UP', ['list'], duration, 'For how long it has run'),
  number('cpu_percent', 'CPU%', both, decimal, 'CPU used in the interval; 100 is one CPU'),
  number('cpu_seconds', 'CPUTIME', [], duration, 'CPU used since it started'),
  microstate('user', 'USR', 'On the CPU, in the program'),
  microstate('system', 'SYS', 'On the CPU, in the kernel'),
  microstate('run_queue', 'RUNQ', 'Ready to run, waiting for a CPU'),
  microstate('block_io', 'BLK', 'Waiting for block I/O; known while kernel.task_delayacct is on'),
  microstate(
    'memory_stall',
    'MSTL',
    'Waiting for memory: of a task by its pressure stall information, of a thread while kernel.task_delayacct is on',
  ),
  microstate('sleep', 'SLP', 'The rest: waiting for anything else'),
  microstate(
    'throttled',
    'THRO',
    "Held by the task's CPU quota, at most 100%; its threads are in RUNQ meanwhile",
  ),
  number(
    'memory_rss',
    'RSS',
    both,
    bytes,
    'Resident memory; for a task the sum, with shared pages counted more than once',
  ),
  number(
    'memory_pss',
    'PSS',
    [],
    bytes,
    'Resident memory with shared pages divided by their users; only with --pss',
  ),
  number(
    'memory_working_set',
    'WSET',
    [],
    bytes,
    "What the task's cgroup holds, without inactive file cache",
  ),
  number('memory_limit', 'LIMIT', [], bytes, "The limit of the task's cgroup"),
  number('threads', 'THR', both, whole, 'Threads in it'),
  number('processes', 'PROCS', [], whole, 'Processes in it'),
  number('fds', 'FDS', [], whole, 'Open file descriptors'),
  number('io_read_bytes_per_second', 'RD/s', ['tree'], bytes, 'Bytes fetched from storage, a second'),
  number('io_write_bytes_per_second', 'WR/s', ['tree'], bytes, 'Bytes sent to storage, a second'),
  number(
    'faults_major_per_second',
    'MAJFL/s',
    [],
    decimal,
    'Page faults that had to read from storage, a second',
  ),
  number('switches_voluntary_per_second', 'VCSW/s', [], decimal, 'Times a second it gave the CPU up to wait'),
  number(
    'switches_involuntary_per_second',
    'ICSW/s',
    [],
    decimal,
    'Times a second the CPU was taken from it',
  ),
];

/** The columns of a table. Who asks for the proportional set size wants to see it; ports are worth a column, the last, where there are any. */
export function columnsOf(
  view: View,
  options: { pss: boolean; ports?: boolean; cluster?: boolean },
): Column[] {
  const chosen = (options.cluster === true ? clusterColumns : columns).filter(
    ({ views, member }) => views.includes(view) || (options.pss && member === 'memory_pss'),
  );
  return options.ports === true ? [...chosen, ...columns.filter(({ member }) => member === 'ports')] : chosen;
}

const depths: Partial<Record<Row['level'], number>> = { process: 1, thread: 2 };
const clusterDepths: Record<Row['level'], number> = { cluster: 0, node: 1, task: 2, process: 3, thread: 4 };

function indent({ level }: Row): string {
  return '  '.repeat(depths[level] ?? 0);
}

/** With the rows of cluster and nodes above those of tasks, whose ids are whole: they are what `berth task` takes. */
const clusterColumns: readonly Column[] = columns.map((column) => {
  if (column.member === 'name')
    return { ...column, text: (row) => '  '.repeat(clusterDepths[row.level]) + row.name };
  if (column.member !== 'id') return column;
  const { longest: _, ...whole } = column;
  return { ...whole, text: (row) => (row.task_id === null ? '-' : row.id) };
});

type Of<Type> = { [Member in keyof Row]: Row[Member] extends Type ? Member : never }[keyof Row];

function text(
  member: Of<string | null>,
  header: string,
  views: readonly View[],
  meaning: string,
  longest?: number,
): Column {
  const column: Column = { member, header, align: 'left', views, meaning, text: (row) => row[member] ?? '-' };
  return longest === undefined ? column : { ...column, longest };
}

function number(
  member: Of<number | null>,
  header: string,
  views: readonly View[],
  format: (value: number | null) => string,
  meaning: string,
): Column {
  return { member, header, align: 'right', views, meaning, text: (row) => format(row[member]) };
}

function microstate(state: keyof Microstates, header: string, meaning: string): Column {
  return {
    member: `microstates.${state}`,
    header,
    align: 'right',
    views: both,
    meaning,
    text: (row) => share(row.microstates[state]),
  };
}
