import { BerthError } from '../errors/berth-error.js';
import { type CounterTable, native, type SampleCalls, type SnapshotTables } from '../native/index.js';
import {
  type ProcessCounters,
  processFields,
  type Snapshot,
  type TaskCounters,
  type ThreadCounters,
  taskFields,
  threadFields,
  type UsageCounters,
  usageFields,
} from './counters.js';
import type { InspectedTask } from './task-source.js';

export interface SampleOptions {
  /** Seconds between the two snapshots; 0 takes one. */
  intervalSeconds: number;
  /** Read the proportional set size of each process. */
  pss: boolean;
  /** Read what each thread alone needs. */
  threads: boolean;
  /** Tasks as wholes, in place of their processes and threads. */
  usage?: boolean;
}

/** Snapshots of some tasks, and what taking them was like. */
export interface Sample {
  /** One or two, oldest first. */
  snapshots: Snapshot[];
  costCpuSeconds: number;
  /** The time at which CLOCK_BOOTTIME was 0, in seconds of the Unix epoch. */
  bootRealtime: number;
  /** Whether the kernel counts waits for block I/O (kernel.task_delayacct). */
  delayAccounting: boolean;
}

/** Reads the counters of these tasks. `calls` is the native addon, unless a test brings its own. */
export async function takeSample(
  tasks: InspectedTask[],
  options: SampleOptions,
  calls: SampleCalls = native(),
): Promise<Sample> {
  const sampling = await calls.sample({
    tasks: tasks.map((task) => ({
      pid: task.pid,
      startTime: task.pidStartTime,
      procs: task.cgroup.procs,
      controllers: task.cgroup.controllers,
      threadIo: options.threads,
      ownNetwork: task.ownNetwork === true,
    })),
    intervalSeconds: options.intervalSeconds,
    proportionalMemory: options.pss,
    usage: options.usage === true,
  });
  return { ...sampling, snapshots: sampling.snapshots.map(toSnapshot) };
}

function toSnapshot(tables: SnapshotTables): Snapshot {
  return {
    tasks: toRecords<TaskCounters>(tables.tasks, taskFields),
    ...(tables.usage === undefined ? {} : { usage: toRecords<UsageCounters>(tables.usage, usageFields) }),
    processes: toRecords<ProcessCounters>(tables.processes, processFields, tables.processes.names),
    threads: toRecords<ThreadCounters>(tables.threads, threadFields, tables.threads.names),
  };
}

/** The addon and this module each name the fields; a mismatch means that the addon is of another build. */
function toRecords<Counters>(table: CounterTable, expected: readonly string[], names?: string): Counters[] {
  const { fields, values } = table;
  if (fields.join() !== expected.join()) {
    throw new BerthError('NOT_BUILT', {
      what: 'native addon',
      why: 'it is of another version than this program',
      mend: "Run ./dev build in berth's folder.",
    });
  }
  const named = names?.split('\0');
  const records: Counters[] = [];
  for (let at = 0; at < values.length; at += fields.length) {
    const record: Writable = {};
    for (const [column, field] of fields.entries()) {
      const value = values[at + column];
      record[field] = value === undefined || Number.isNaN(value) ? null : value;
    }
    if (named !== undefined) record.name = named[records.length] ?? '';
    records.push(record as Counters);
  }
  return records;
}

type Writable = { name?: string } & { [field: string]: number | string | null };
