import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { difference, type Inventory, takeInventory } from './inventory.js';

/** How long what a test has ended may take to be gone: the kernel frees namespaces and mounts in the background, and a busy host does it late. */
const patienceMilliseconds = 30_000;
const pauseMilliseconds = 50;

/**
 * Fails the test when it ends with something left that was not there before: mounts, cgroups, supervisors, network namespaces,
 * files below `roots` (give only those that must be empty again), claims, zombies, child processes. Call it first of all: tap
 * runs teardowns in reverse order, so that those of the test clean up before this looks.
 *
 * Other test files run at the same time: `mine` tells their things apart, e.g. `(line) => line.includes(rootHash(roots))`.
 * Network namespaces carry no name: where other files make some, give a `mine` that leaves out `networks:`.
 */
export function auditLeaks(
  t: Test,
  roots: readonly string[],
  mine: (line: string) => boolean = () => true,
  patience = patienceMilliseconds,
): void {
  const before = takeInventory(roots);
  t.teardown(async () => {
    const leaks = await leaksSince(before, roots, mine, patience);
    if (leaks.length > 0) throw new Error(`left behind:\n  ${leaks.join('\n  ')}`);
  });
}

/** The same to be asserted in the middle of a test: what is there now and was not in `before`, after a little patience. */
export async function leaksSince(
  before: Inventory,
  roots: readonly string[],
  mine: (line: string) => boolean = () => true,
  patience = patienceMilliseconds,
): Promise<string[]> {
  const deadline = Date.now() + patience;
  for (;;) {
    const leaks = difference(before, takeInventory(roots)).filter(mine);
    if (leaks.length === 0 || Date.now() > deadline) return leaks;
    await sleep(pauseMilliseconds);
  }
}
