import { monotonic } from './clock.js';

/** The longest that Node's timers wait, in milliseconds: 24 days. */
export const longestTimer = 2 ** 31 - 1;

/** Calls once, after any time. Keeps no process alive. The returned function calls it off. */
export function longWait(milliseconds: number, call: () => void, longest = longestTimer): () => void {
  const end = monotonic() + milliseconds;
  let timer: NodeJS.Timeout;
  const wait = () => {
    const left = Math.max(0, end - monotonic());
    timer = (left > longest ? setTimeout(wait, longest) : setTimeout(call, left)).unref();
  };
  wait();
  return () => clearTimeout(timer);
}
