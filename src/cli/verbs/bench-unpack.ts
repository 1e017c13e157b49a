import { commonFlags, runBenchmark } from '../bench-program.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Measure how fast images are unpacked, beside podman, umoci and tar',
  example: 'berth bench unpack --json',
  declare(command) {
    command
      .option('--quick', 'one round only: to see that it works, not to compare')
      .option('--report <dir>', 'also write a page with plots, and the document, into a folder');
  },
  run: ({ json }, _args, flags) => runBenchmark(['unpack', ...commonFlags(json, flags)]),
};
