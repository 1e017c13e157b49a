import type { ProcessCounters, Snapshot, ThreadCounters } from './counters.js';

/** The kernel stamps births in ticks of this length, rounded down (USER_HZ, part of its ABI), and CPU time likewise. */
export const tick = 0.01;

/** The counters that each process and thread of a snapshot had at the one before it. */
export interface Earlier {
  /**
   * What was counted before. Who was born since then started with every counter at 0; who is older but was not seen, because
   * it joined the task meanwhile, has no earlier counters and so no rates: undefined.
   */
  process(after: ProcessCounters): ProcessCounters | undefined;
  thread(after: ThreadCounters): ThreadCounters | undefined;
}

export function earlierCounters(before: Snapshot): Earlier {
  const processes = new Map(before.processes.map((process) => [identity(process.pid, process), process]));
  const threads = new Map(before.threads.map((thread) => [identity(thread.tid, thread), thread]));
  const taken = before.tasks[0]?.at ?? 0;
  const bornSince = ({ start }: { start: number }): boolean => start + tick > taken;
  return {
    process: (after) =>
      processes.get(identity(after.pid, after)) ??
      (bornSince(after) ? newborn(after, processZero) : undefined),
    thread: (after) =>
      threads.get(identity(after.tid, after)) ?? (bornSince(after) ? newborn(after, threadZero) : undefined),
  };
}

/** A number alone may be given to another process or thread once its owner has ended. */
function identity(number: number, { start }: { start: number }): string {
  return `${number} ${start}`;
}

const processZero = { user: 0, system: 0, major_faults: 0, read_bytes: 0, write_bytes: 0, state: 0 };

const threadZero = {
  ...processZero,
  on_cpu: 0,
  waiting: 0,
  block_io: 0,
  paging: 0,
  reclaim: 0,
  voluntary: 0,
  involuntary: 0,
};

function newborn<Counters extends { start: number }>(after: Counters, zero: Partial<Counters>): Counters {
  return { ...after, ...zero, at: after.start };
}
