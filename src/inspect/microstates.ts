import type { ThreadCounters } from './counters.js';

/**
 * Where the time of an interval went, as fractions of it: on the CPU in the program or the kernel, waiting for a CPU, for
 * block I/O, for memory, and the rest asleep. `throttled` stands beside them: time for which a CPU quota held the task's
 * cgroup, during which its threads are in `run_queue`. Null: the kernel does not tell.
 */
export interface Microstates {
  user: number | null;
  system: number | null;
  run_queue: number | null;
  block_io: number | null;
  memory_stall: number | null;
  sleep: number | null;
  throttled: number | null;
}

/** The parts that make up a thread's whole time, in the order they are shown. */
export const threadStates = ['user', 'system', 'run_queue', 'block_io', 'memory_stall', 'sleep'] as const;

export const unknownMicrostates: Microstates = {
  user: null,
  system: null,
  run_queue: null,
  block_io: null,
  memory_stall: null,
  sleep: null,
  throttled: null,
};

type CountedTime = 'user' | 'system' | 'on_cpu' | 'waiting' | 'block_io' | 'paging' | 'reclaim';

const running = 'R'.charCodeAt(0);

/**
 * One thread between two readings. The known parts sum to 1. schedstat has CPU and waiting time in nanoseconds, but not user
 * and system apart: they are split as the ticks of the interval are, or, when none passed, those of the thread's life.
 */
export function threadMicrostates(before: ThreadCounters, after: ThreadCounters): Microstates {
  const gained = (field: CountedTime): number | null => {
    const late = after[field];
    const early = before[field];
    return late === null || early === null ? null : Math.max(0, late - early);
  };
  const user = gained('user') ?? 0;
  const system = gained('system') ?? 0;
  const cpu = gained('on_cpu') ?? user + system;
  let queued = gained('waiting');
  const paging = gained('paging');
  const reclaim = gained('reclaim');
  // A wait for a page that was taken away is a wait for memory, though the kernel counts the reading of it as I/O too.
  const allBlocked = gained('block_io');
  const blocked = allBlocked === null ? null : Math.max(0, allBlocked - (paging ?? 0));
  const busy = cpu + (queued ?? 0) + (blocked ?? 0);
  // A birth is stamped in ticks, so a young thread may seem to have worked for longer than it lived; readings of several
  // files are some microseconds apart, so an old one may too.
  const whole = Math.max(after.at - before.at, busy);
  if (whole <= 0) return unknownMicrostates;
  // Reclaim is partly work on the CPU, and waits for one, which are told as such.
  const stalled = paging === null || reclaim === null ? null : Math.min(paging + reclaim, whole - busy);
  let asleep = whole - busy - (stalled ?? 0);
  if (queued !== null && neverSlept(before, after)) {
    // A wait is only counted once it ends: what is missing is the wait that the thread is still in.
    queued += asleep;
    asleep = 0;
  }
  const systemShare = shareOf(user, system) ?? shareOf(after.user, after.system) ?? 0;
  return {
    user: (cpu * (1 - systemShare)) / whole,
    system: (cpu * systemShare) / whole,
    run_queue: queued === null ? null : queued / whole,
    block_io: blocked === null ? null : blocked / whole,
    memory_stall: stalled === null ? null : stalled / whole,
    sleep: asleep / whole,
    throttled: null,
  };
}

function shareOf(user: number, system: number): number | undefined {
  return user + system > 0 ? system / (user + system) : undefined;
}

/** Runnable at both readings, and never off the CPU of its own will between them. */
function neverSlept(before: ThreadCounters, after: ThreadCounters): boolean {
  return (
    before.state === running &&
    after.state === running &&
    after.voluntary !== null &&
    before.voluntary === after.voluntary
  );
}

/** The average over threads, each weighted with the seconds that it lived. A part that no thread knows stays null. */
export function averageMicrostates(threads: [Microstates, number][]): Microstates {
  const result = { ...unknownMicrostates };
  for (const state of threadStates) {
    let sum = 0;
    let seconds = 0;
    for (const [microstates, lived] of threads) {
      const value = microstates[state];
      if (value === null) continue;
      sum += value * lived;
      seconds += lived;
    }
    if (seconds > 0) result[state] = sum / seconds;
  }
  return result;
}
