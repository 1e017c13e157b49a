import { findContainer } from '../../containerizer/container/catalogue.js';
import { requireStarted } from '../../containerizer/container/start.js';
import { waitForExit } from '../../containerizer/container/wait.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Wait until containers have ended, and print the status of each',
  example: 'berth wait web',
  declare(command) {
    command.argument('<id...>', 'ids or names');
  },
  async run({ roots, json, out }, wanted) {
    const containers = wanted.map((id) => findContainer(roots, id));
    for (const { document } of containers) requireStarted(roots, document);
    const exits = await Promise.all(containers.map((container) => waitForExit(roots, container)));
    for (const [i, exit] of exits.entries()) {
      const { id, name } = containers[i]?.document ?? {};
      out(json ? `${JSON.stringify({ id, name, ...exit })}\n` : `${exit.status}\n`);
    }
    return 0;
  },
};
