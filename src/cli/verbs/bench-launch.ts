import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import path from 'node:path';
import { installationFolder } from '../../installation.js';
import type { Verb } from '../verb.js';

/** The benchmarks are no part of berth's own code: they import it, as any other program may. */
const program = path.join(installationFolder, 'dist/bench/main.js');

export const verb: Verb = {
  summary: 'Measure how fast containers start, beside the other runtimes of this host',
  example: 'berth bench launch --report ./report',
  declare(command) {
    command
      .option('--quick', 'a few samples only: to see that it works, not to compare')
      .option('--report <dir>', 'also write a page with plots, and the document, into a folder');
  },
  async run({ json }, _args, { quick, report }) {
    const flags = [
      ...(json ? ['--json'] : []),
      ...(quick === true ? ['--quick'] : []),
      ...(typeof report === 'string' ? ['--report', report] : []),
    ];
    const child = spawn(process.execPath, [program, 'launch', ...flags], { stdio: 'inherit' });
    // A terminal sends Ctrl-C to both; the benchmark clears up, and this process waits for it. Others signal this one alone.
    process.on('SIGINT', () => {});
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
    const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  },
};
