import { findContainer } from '../../containerizer/container/catalogue.js';
import { renameContainer } from '../../containerizer/container/rename.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Give a container another name',
  example: 'berth rename web web-old',
  declare(command) {
    command.argument('<id>', 'id or name').argument('<name>', 'the new one');
  },
  async run({ roots, json, out }, [wanted = '', name = '']) {
    const container = findContainer(roots, wanted);
    await renameContainer(roots, container, name);
    if (json) out(`${JSON.stringify({ id: container.document.id, name })}\n`);
    return 0;
  },
};
