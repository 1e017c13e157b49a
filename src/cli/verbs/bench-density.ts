import { commonFlags, runBenchmark } from '../bench-program.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Measure what one more idle container costs when there are a thousand, beside podman',
  example: 'berth bench density --count 200',
  declare(command) {
    command
      .option('--count <n>', 'how many idle containers there are at once: 1000 unless told otherwise')
      .option('--quick', 'a few only: to see that it works, not to compare')
      .option('--report <dir>', 'also write a page with plots, and the document, into a folder');
  },
  run: ({ json }, _args, flags) =>
    runBenchmark([
      'density',
      ...commonFlags(json, flags),
      ...(typeof flags.count === 'string' ? ['--count', flags.count] : []),
    ]),
};
