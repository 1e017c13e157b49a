import { isatty } from 'node:tty';
import { findContainer } from '../../containerizer/container/catalogue.js';
import { exportContainer } from '../../containerizer/container/export.js';
import { usageError } from '../report.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Write the file system of a container as a tar archive',
  example: 'berth export -o web.tar web',
  declare(command) {
    command.argument('<id>', 'id or name').option('-o, --output <file>', 'default: standard output');
  },
  async run(context, [wanted = ''], { output }) {
    const to = typeof output === 'string' && output !== '-' ? output : 1;
    if (to === 1 && isatty(1)) {
      throw usageError(
        'export',
        'standard output is a terminal',
        'Use -o FILE, or send it to a file or pipe.',
      );
    }
    const exported = await exportContainer(context.roots, findContainer(context.roots, wanted), to);
    for (const warning of exported.warnings) context.note(`berth: warning: ${warning}`);
    if (context.json && to !== 1) context.out(`${JSON.stringify({ output: to, ...exported })}\n`);
    return 0;
  },
};
