import { findContainer } from '../../containerizer/container/catalogue.js';
import { containerChanges } from '../../containerizer/container/changes.js';
import { printable } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: "Show what a container has changed of its image's files",
  example: 'berth diff web',
  declare(command) {
    command.argument('<id>', 'id or name');
  },
  async run({ roots, json, out }, [wanted = '']) {
    const changes = await containerChanges(roots, findContainer(roots, wanted));
    if (json) out(`${JSON.stringify({ changes })}\n`);
    else out(changes.map(({ kind, path }) => `${kind} ${printable(path)}\n`).join(''));
    return 0;
  },
};
