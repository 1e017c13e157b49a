import { performance } from 'node:perf_hooks';

/** Nanoseconds since the epoch, as TimeInfo has them. */
export const nanoseconds = (): number => Date.now() * 1e6;
/** Seconds since the epoch, as statuses have them. */
export const seconds = (): number => Date.now() / 1000;
/** Milliseconds of a clock that nobody sets. */
export const monotonic = (): number => performance.now();
