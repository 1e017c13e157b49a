/**
 * How Node is started for a daemon, which lives for months and mostly waits: its young objects may take 4 MiB at a time, not 16 (three times that in all), and glibc gives two arenas to
 * its threads, not eight for each processor. And the main thread cleans up after young objects alone: others that were to help it do not come before the host's tasks, and it waited for them up to 130 ms. A third less memory with a thousand tasks, at the same speed (docs/guides/benchmarks.md). native/front/node.cc has the same.
 */
export const nodeOptions: readonly string[] = ['--max-semi-space-size=4', '--no-parallel-scavenge'];
export const nodeEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' };
