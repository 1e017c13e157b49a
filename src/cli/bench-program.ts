import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import path from 'node:path';
import { installationFolder } from '../installation.js';

/** The benchmarks are no part of berth's own code: they import it, as any other program may. */
const program = path.join(installationFolder, 'dist/bench/main.js');

/** Runs one benchmark to its end, and gives its status. */
export async function runBenchmark(words: string[]): Promise<number> {
  const child = spawn(process.execPath, [program, ...words], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; the benchmark clears up, and this process waits for it. Others signal this one alone.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

/** The flags that all benchmarks have, as they were given. */
export function commonFlags(json: boolean, { quick, report }: Record<string, unknown>): string[] {
  return [
    ...(json ? ['--json'] : []),
    ...(quick === true ? ['--quick'] : []),
    ...(typeof report === 'string' ? ['--report', report] : []),
  ];
}
