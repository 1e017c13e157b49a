import { findContainer } from '../../containerizer/container/catalogue.js';
import { readLogs } from '../../containerizer/container/logs.js';
import { write } from '../output.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Print what a container has written',
  example: 'berth logs web',
  declare(command) {
    command.argument('<id>', 'id or name');
  },
  run({ roots, json, out }, [wanted = '']) {
    const { id } = findContainer(roots, wanted).document;
    for (const { time, stream, text, partial } of readLogs(roots, id)) {
      if (json) {
        out(`${JSON.stringify({ time, stream, text: text.toString(), partial })}\n`);
      } else {
        write(stream === 'stdout' ? 1 : 2, partial ? text : Buffer.concat([text, newline]));
      }
    }
    return 0;
  },
};

const newline = Buffer.from('\n');
