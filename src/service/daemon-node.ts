/**
 * How Node is started for a daemon, which lives for months and mostly waits: its young objects may take 4 MiB at a time, not 16 (three times that in all), and glibc gives two arenas to
 * its threads, not eight for each processor. A third less memory with a thousand tasks, at the same speed (docs/guides/benchmarks.md). native/front/node.cc has the same.
 */
export const nodeOptions: readonly string[] = ['--max-semi-space-size=4'];
export const nodeEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' };
