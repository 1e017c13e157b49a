import { performance } from 'node:perf_hooks';

/** What counts time; a test has one whose time it makes pass itself. Milliseconds. */
export interface Timers {
  /** Of a clock that nobody sets. */
  now(): number;
  /** Calls once, later; the returned function calls it off. */
  after(milliseconds: number, call: () => void): () => void;
}

/** The longest time that setTimeout takes; one that is longer comes early, which no check of that length would tell. */
const longest = 2 ** 31 - 1;

/** They keep no process alive. */
export const realTimers: Timers = {
  now: () => performance.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, Math.min(milliseconds, longest)).unref();
    return () => clearTimeout(timer);
  },
};
