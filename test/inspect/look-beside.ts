import type { Test } from 'tap';
import { figuresOf } from '../../src/inspect/figures.js';
import { takeSample } from '../../src/inspect/sample.js';
import { sleep } from './load.js';
import { taskAt } from './staged.js';

/**
 * Two looks, so many seconds apart, each between two readings of a counter: what that counter's rate per second can have been between
 * the looks, at least and at most. On a slow host the readings take long, and it is known less well, but never wrongly.
 */
export async function lookBeside(pid: number, read: () => number, seconds: number) {
  const once = { intervalSeconds: 0, pss: false, threads: true };
  const reading = () => ({ at: performance.now() / 1000, count: read() });
  const [a, first, b] = [reading(), (await takeSample([taskAt(pid)], once)).snapshots[0], reading()];
  await sleep(seconds);
  const [c, second, d] = [reading(), (await takeSample([taskAt(pid)], once)).snapshots[0], reading()];
  if (first === undefined || second === undefined) throw new Error('one snapshot each');
  const least = (c.count - b.count) / (d.at - a.at);
  return { task: figuresOf(first, second)[0], least, most: (d.count - a.count) / (c.at - b.at) };
}

/** Between the two, give or take such a part of them. */
export function within(
  t: Test,
  found: number | null | undefined,
  [least, most]: [number, number],
  slack: number,
  what: string,
) {
  const sound = (found ?? Number.NaN) >= least * (1 - slack) && (found ?? Number.NaN) <= most * (1 + slack);
  t.ok(sound && most > 0, `${what}: ${found} is in ${least} to ${most}`);
}
