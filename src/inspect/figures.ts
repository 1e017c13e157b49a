import type { ProcessCounters, Snapshot, TaskCounters, ThreadCounters } from './counters.js';
import { earlierCounters, tick } from './earlier.js';
import {
  averageMicrostates,
  type Microstates,
  threadMicrostates,
  unknownMicrostates,
} from './microstates.js';

/** What two snapshots say of one task, process or thread. Rates are per second, between the two; null: not known. */
export interface Figures {
  cpuPercent: number | null;
  cpuSeconds: number | null;
  memoryRss: number | null;
  memoryPss: number | null;
  memoryWorkingSet: number | null;
  memoryLimit: number | null;
  threads: number | null;
  processes: number | null;
  fds: number | null;
  ioRead: number | null;
  ioWrite: number | null;
  majorFaults: number | null;
  switchesVoluntary: number | null;
  switchesInvoluntary: number | null;
  microstates: Microstates;
}

export interface ThreadFigures {
  counters: ThreadCounters;
  figures: Figures;
}

export interface ProcessFigures {
  counters: ProcessCounters;
  figures: Figures;
  threads: ThreadFigures[];
}

export interface TaskFigures {
  counters: TaskCounters;
  figures: Figures;
  processes: ProcessFigures[];
}

/** Figures of which nothing is known: a task that does not run. */
export const unknownFigures: Figures = {
  cpuPercent: null,
  cpuSeconds: null,
  memoryRss: null,
  memoryPss: null,
  memoryWorkingSet: null,
  memoryLimit: null,
  threads: null,
  processes: null,
  fds: null,
  ioRead: null,
  ioWrite: null,
  majorFaults: null,
  switchesVoluntary: null,
  switchesInvoluntary: null,
  microstates: unknownMicrostates,
};

/**
 * Takes two snapshots of the same tasks to figures, in the order of the request. What has ended by the second is left out;
 * what was born after the first counts from its birth.
 */
export function figuresOf(before: Snapshot, after: Snapshot): TaskFigures[] {
  const interval = secondsBetween(before, after);
  const earlier = earlierCounters(before);
  const threads = after.processes.map((): ThreadFigures[] => []);
  for (const counters of after.threads) {
    const figures = threadFigures(earlier.thread(counters), counters, interval);
    threads[counters.process]?.push({ counters, figures });
  }
  const processes = after.tasks.map((): ProcessFigures[] => []);
  after.processes.forEach((counters, index) => {
    const own = threads[index] ?? [];
    const figures = processFigures(earlier.process(counters), counters, own, interval);
    processes[counters.task]?.push({ counters, figures, threads: own });
  });
  return after.tasks.map((counters, index) => {
    const own = processes[index] ?? [];
    return { counters, processes: own, figures: taskFigures(before.tasks[index], counters, own) };
  });
}

/** The time between two snapshots: between the moments at which each began. */
export function secondsBetween(before: Snapshot, after: Snapshot): number {
  return (after.tasks[0]?.at ?? 0) - (before.tasks[0]?.at ?? 0);
}

/** How much more was counted, in each second. */
function rate(before: number | null | undefined, after: number | null, seconds: number): number | null {
  if (after === null || before === null || before === undefined || seconds <= 0) return null;
  return Math.max(0, after - before) / seconds;
}

/** The time a rate is taken over: between the two readings of this very thing, or for a newborn the whole interval. */
function spanOf(
  before: { at: number } | undefined,
  after: { at: number; start: number },
  interval: number,
): number {
  return before === undefined || before.at === after.start ? interval : after.at - before.at;
}

function threadFigures(before: ThreadCounters | undefined, after: ThreadCounters, interval: number): Figures {
  const seconds = spanOf(before, after, interval);
  const cpu = (thread: ThreadCounters): number => thread.on_cpu ?? thread.user + thread.system;
  return {
    ...unknownFigures,
    cpuPercent: percent(rate(before && cpu(before), cpu(after), seconds)),
    cpuSeconds: cpu(after),
    ioRead: rate(before?.read_bytes, after.read_bytes, seconds),
    ioWrite: rate(before?.write_bytes, after.write_bytes, seconds),
    majorFaults: rate(before?.major_faults, after.major_faults, seconds),
    switchesVoluntary: rate(before?.voluntary, after.voluntary, seconds),
    switchesInvoluntary: rate(before?.involuntary, after.involuntary, seconds),
    microstates: before === undefined ? unknownMicrostates : threadMicrostates(before, after),
  };
}

function processFigures(
  before: ProcessCounters | undefined,
  after: ProcessCounters,
  threads: ThreadFigures[],
  interval: number,
): Figures {
  const seconds = spanOf(before, after, interval);
  const total = (process: ProcessCounters): number => process.user + process.system;
  const counted = rate(before && total(before), total(after), seconds);
  return {
    ...unknownFigures,
    cpuPercent: percent(processCpu(counted, sumOf(threads, 'cpuPercent'), seconds)),
    cpuSeconds: total(after),
    memoryRss: after.resident,
    memoryPss: after.proportional,
    threads: after.threads,
    fds: after.descriptors,
    ioRead: rate(before?.read_bytes, after.read_bytes, seconds),
    ioWrite: rate(before?.write_bytes, after.write_bytes, seconds),
    majorFaults: rate(before?.major_faults, after.major_faults, seconds),
    switchesVoluntary: sumOf(threads, 'switchesVoluntary'),
    switchesInvoluntary: sumOf(threads, 'switchesInvoluntary'),
    microstates: averageOf(threads, interval),
  };
}

/**
 * CPU seconds a second. The threads' counters are exact but miss threads that ended meanwhile; the process's own has them
 * but is rounded: it is taken only where it is ahead by more than the rounding.
 */
function processCpu(counted: number | null, threadsPercent: number | null, seconds: number): number | null {
  if (threadsPercent === null || counted === null) return counted;
  const summed = threadsPercent / 100;
  return counted - summed > (2 * tick) / seconds ? counted : summed;
}

function taskFigures(
  before: TaskCounters | undefined,
  after: TaskCounters,
  processes: ProcessFigures[],
): Figures {
  const seconds = after.at - (before?.at ?? after.at);
  const between = (field: 'cpu' | 'throttled' | 'memory_stall'): number | null =>
    rate(before?.[field], after[field], seconds);
  const sum = (field: SummedField): number | null => sumOf(processes, field);
  const average = averageOf(
    processes.flatMap((process) => process.threads),
    seconds,
  );
  return {
    cpuPercent: percent(between('cpu')) ?? sum('cpuPercent'),
    cpuSeconds: after.cpu ?? sum('cpuSeconds'),
    memoryRss: sum('memoryRss'),
    memoryPss: sum('memoryPss'),
    memoryWorkingSet: after.memory === null ? null : Math.max(0, after.memory - (after.inactive_file ?? 0)),
    memoryLimit: after.memory_limit,
    threads: sum('threads') ?? 0,
    processes: processes.length,
    fds: sum('fds'),
    ioRead: sum('ioRead'),
    ioWrite: sum('ioWrite'),
    majorFaults: sum('majorFaults'),
    switchesVoluntary: sum('switchesVoluntary'),
    switchesInvoluntary: sum('switchesInvoluntary'),
    microstates: withCgroup(average, between('throttled'), between('memory_stall')),
  };
}

/**
 * What only the cgroup knows. Its stall is time in which at least one thread waited for memory, which the threads' averages
 * hold as sleep: it is taken from there, so that the parts still make a whole.
 */
function withCgroup(average: Microstates, throttled: number | null, stall: number | null): Microstates {
  const result = { ...average, throttled: throttled === null ? null : Math.min(1, throttled) };
  if (stall === null || average.sleep === null || average.memory_stall !== null) return result;
  const taken = Math.min(stall, average.sleep);
  return { ...result, memory_stall: taken, sleep: average.sleep - taken };
}

type SummedField = Exclude<keyof Figures, 'microstates'>;

/** Null when there is nothing to add up. */
function sumOf(parts: { figures: Figures }[], field: SummedField): number | null {
  const known = parts.map(({ figures }) => figures[field]).filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

/** Each thread weighs as much as it lived of the interval. */
function averageOf(threads: ThreadFigures[], interval: number): Microstates {
  return averageMicrostates(
    threads.map(({ counters: { at, start }, figures }) => [
      figures.microstates,
      Math.max(0, Math.min(interval, at - start)),
    ]),
  );
}

function percent(fraction: number | null): number | null {
  return fraction === null ? null : fraction * 100;
}
