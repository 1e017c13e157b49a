import { commonFlags, runBenchmark } from '../bench-program.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Measure how fast containers start, beside the other runtimes of this host',
  example: 'berth bench launch --report ./report',
  declare(command) {
    command
      .option('--quick', 'a few samples only: to see that it works, not to compare')
      .option('--report <dir>', 'also write a page with plots, and the document, into a folder');
  },
  run: ({ json }, _args, flags) => runBenchmark(['launch', ...commonFlags(json, flags)]),
};
