import os from 'node:os';
import type { Snapshot, UsageCounters } from './counters.js';
import { figuresOf, secondsBetween } from './figures.js';
import { takeSample } from './sample.js';
import { type InspectedTask, isUp } from './task-source.js';

/**
 * What one task uses, as a whole: the public JSON of `stats`. Sizes are bytes, rates are taken between two samples, `throttled` and pressure are fractions of
 * the time between them. Null: the kernel does not tell.
 */
export interface Usage {
  time: string;
  id: string;
  name: string;
  state: InspectedTask['state'];
  interval_seconds: number;
  /** 100 is one CPU. */
  cpu_percent: number | null;
  cpu_seconds: number | null;
  throttled: number | null;
  /** With the page cache, and without what of it lies idle. */
  memory_usage: number | null;
  memory_working_set: number | null;
  memory_limit: number | null;
  /** The working set of the limit, or of the host's memory where there is none. */
  memory_percent: number | null;
  swap: number | null;
  io_read_bytes: number | null;
  io_write_bytes: number | null;
  io_read_bytes_per_second: number | null;
  io_write_bytes_per_second: number | null;
  /** Over every interface of its own but the loopback. */
  net_received_bytes: number | null;
  net_sent_bytes: number | null;
  net_received_bytes_per_second: number | null;
  net_sent_bytes_per_second: number | null;
  processes: number | null;
  threads: number | null;
  pressure: { cpu: Pressure; memory: Pressure; io: Pressure };
}

/** Some of its threads waited; all that could have run did. */
export interface Pressure {
  some: number | null;
  full: number | null;
}

/** Looks twice at those of the tasks that run, and tells what each used in between. */
export async function takeUsage(tasks: InspectedTask[], intervalSeconds: number): Promise<Usage[]> {
  const running = tasks.filter(isUp);
  if (running.length === 0) return [];
  const options = { intervalSeconds, pss: false, threads: false, usage: true };
  const [before, after] = (await takeSample(running, options)).snapshots;
  if (before === undefined || after === undefined) throw new RangeError('usage needs two snapshots');
  return usagesOf(running, before, after, { time: new Date(), hostMemory: os.totalmem() });
}

/** The same from two snapshots of the same tasks. Pure. */
export function usagesOf(
  tasks: InspectedTask[],
  before: Snapshot,
  after: Snapshot,
  { time, hostMemory }: { time: Date; hostMemory: number },
): Usage[] {
  const seconds = secondsBetween(before, after);
  const figures = figuresOf(before, after);
  return tasks.flatMap((task, index) => {
    const found = figures[index]?.figures;
    const late = after.usage?.[index];
    const early = before.usage?.[index];
    // One whose processes had all gone has ended meanwhile.
    if (found === undefined || late === undefined || early === undefined || late.processes === 0) return [];
    const rate = (field: keyof UsageCounters) => rateOf(early[field], late[field], seconds);
    const pressure = (kind: 'cpu' | 'memory' | 'io'): Pressure => ({
      some: fraction(rate(`${kind}_some`)),
      full: fraction(rate(`${kind}_full`)),
    });
    const limit = found.memoryLimit;
    const whole = limit === null ? hostMemory : Math.min(limit, hostMemory);
    const working = found.memoryWorkingSet;
    return [
      {
        time: time.toISOString(),
        id: task.id,
        name: task.name,
        state: task.state,
        interval_seconds: rounded(seconds, 6) ?? 0,
        cpu_percent: rounded(found.cpuPercent, 3),
        cpu_seconds: rounded(found.cpuSeconds, 6),
        throttled: fraction(found.microstates.throttled),
        memory_usage: figures[index]?.counters.memory ?? null,
        memory_working_set: working,
        memory_limit: limit,
        memory_percent: working === null ? null : rounded((working / whole) * 100, 3),
        swap: late.swap,
        io_read_bytes: late.read_bytes,
        io_write_bytes: late.write_bytes,
        io_read_bytes_per_second: rounded(rate('read_bytes'), 3),
        io_write_bytes_per_second: rounded(rate('write_bytes'), 3),
        net_received_bytes: late.received,
        net_sent_bytes: late.sent,
        net_received_bytes_per_second: rounded(rate('received'), 3),
        net_sent_bytes_per_second: rounded(rate('sent'), 3),
        processes: late.processes,
        threads: late.threads,
        pressure: { cpu: pressure('cpu'), memory: pressure('memory'), io: pressure('io') },
      },
    ];
  });
}

function rateOf(before: number | null, after: number | null, seconds: number): number | null {
  if (before === null || after === null || seconds <= 0) return null;
  return Math.max(0, after - before) / seconds;
}

/** Readings of several files are some microseconds apart: no part is larger than the whole. */
function fraction(value: number | null): number | null {
  return value === null ? null : rounded(Math.min(1, value), 6);
}

function rounded(value: number | null, digits: number): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}
