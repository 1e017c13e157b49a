import type { Figures, ProcessFigures, TaskFigures, ThreadFigures } from './figures.js';
import { unknownFigures } from './figures.js';
import { type Microstates, unknownMicrostates } from './microstates.js';
import type { Row } from './row.js';
import type { InspectedTask } from './task-source.js';

/** Which levels below the tasks to tell of. */
export type Depth = 'task' | 'process' | 'thread';

/** What every row of one host shares. */
export interface Place {
  /** The host's name. */
  node: string;
  /** The time at which CLOCK_BOOTTIME was 0, in seconds of the Unix epoch. */
  bootRealtime: number;
}

/** The rows of one task, itself first, each followed by what belongs to it. Without figures: a task that does not run. */
export function rowsOf(
  task: InspectedTask,
  figures: TaskFigures | undefined,
  place: Place,
  depth: Depth,
): Row[] {
  const own = taskRow(task, figures, place);
  const rows = [own];
  if (depth === 'task') return rows;
  for (const process of figures?.processes ?? []) {
    const parent = processRow(process, own, place);
    rows.push(parent);
    if (depth === 'thread') rows.push(...process.threads.map((thread) => threadRow(thread, parent, place)));
  }
  return rows;
}

function taskRow(task: InspectedTask, figures: TaskFigures | undefined, place: Place): Row {
  const first = figures?.processes.find(({ counters }) => counters.pid === task.pid);
  const started = task.startedAt === null ? null : Date.parse(task.startedAt) / 1000;
  const now = figures === undefined ? null : figures.counters.at + place.bootRealtime;
  return {
    level: 'task',
    id: task.id,
    name: task.name,
    parent_id: place.node,
    node: place.node,
    task_id: task.id,
    zone: task.zone,
    image: task.image,
    address: task.address ?? null,
    ports: task.ports ?? null,
    pid: task.pid,
    nspid: first?.counters.inner_pid ?? null,
    tid: null,
    state: task.state,
    start_time: task.startedAt,
    uptime_seconds: now === null || started === null ? null : rounded(Math.max(0, now - started), 2),
    ...figureMembers(figures?.figures ?? unknownFigures),
  };
}

function processRow({ counters, figures }: ProcessFigures, task: Row, place: Place): Row {
  return {
    ...task,
    level: 'process',
    id: `${task.id}/${counters.pid}`,
    name: counters.name,
    parent_id: task.id,
    pid: counters.pid,
    nspid: counters.inner_pid,
    state: stateName(counters.state),
    ...lifeOf(counters, place),
    ...figureMembers(figures),
  };
}

function threadRow({ counters, figures }: ThreadFigures, process: Row, place: Place): Row {
  return {
    ...process,
    level: 'thread',
    id: `${process.id}/${counters.tid}`,
    name: counters.name,
    parent_id: process.id,
    tid: counters.tid,
    state: stateName(counters.state),
    ...lifeOf(counters, place),
    ...figureMembers(figures),
  };
}

/** The members that figures fill, in the order of the document. */
function figureMembers(figures: Figures): Omit<Row, IdentityMember> {
  return {
    cpu_percent: rounded(figures.cpuPercent, 3),
    cpu_seconds: rounded(figures.cpuSeconds, 6),
    memory_rss: figures.memoryRss,
    memory_pss: figures.memoryPss,
    memory_working_set: figures.memoryWorkingSet,
    memory_limit: figures.memoryLimit,
    threads: figures.threads,
    processes: figures.processes,
    fds: figures.fds,
    io_read_bytes_per_second: rounded(figures.ioRead, 3),
    io_write_bytes_per_second: rounded(figures.ioWrite, 3),
    faults_major_per_second: rounded(figures.majorFaults, 3),
    switches_voluntary_per_second: rounded(figures.switchesVoluntary, 3),
    switches_involuntary_per_second: rounded(figures.switchesInvoluntary, 3),
    microstates: roundedMicrostates(figures.microstates),
  };
}

type IdentityMember =
  | 'level'
  | 'id'
  | 'name'
  | 'parent_id'
  | 'node'
  | 'task_id'
  | 'zone'
  | 'image'
  | 'address'
  | 'ports'
  | 'pid'
  | 'nspid'
  | 'tid'
  | 'state'
  | 'start_time'
  | 'uptime_seconds';

function lifeOf(
  counters: { at: number; start: number },
  place: Place,
): Pick<Row, 'start_time' | 'uptime_seconds'> {
  // Births are stamped to a hundredth of a second; more digits would change from one look to the next.
  const started = Math.round((place.bootRealtime + counters.start) * 100) * 10;
  return {
    start_time: new Date(started).toISOString(),
    uptime_seconds: rounded(Math.max(0, counters.at - counters.start), 2),
  };
}

/** The kernel's letters (proc_pid_stat(5), field 3) in words. */
const stateNames: Record<string, string> = {
  R: 'running',
  S: 'sleeping',
  D: 'disk_sleep',
  Z: 'zombie',
  T: 'stopped',
  t: 'tracing_stop',
  X: 'dead',
  I: 'idle',
  P: 'parked',
};

function stateName(code: number): string {
  const letter = String.fromCharCode(code);
  return stateNames[letter] ?? letter;
}

function roundedMicrostates(microstates: Microstates): Microstates {
  const result = { ...unknownMicrostates };
  for (const state of Object.keys(result) as (keyof Microstates)[])
    result[state] = rounded(microstates[state], 6);
  return result;
}

function rounded(value: number | null, digits: number): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}
