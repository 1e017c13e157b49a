import { findContainer, findId } from '../../containerizer/container/catalogue.js';
import { removeContainer, removeDamaged } from '../../containerizer/container/remove.js';
import { BerthError } from '../../errors/berth-error.js';
import { forEachContainer } from '../each-container.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove containers with their files and logs',
  example: 'berth rm -f web',
  declare(command) {
    command
      .argument('<id...>', 'ids or names')
      .option('-f, --force', 'kill those that run first')
      .option('-v, --volumes', 'with the volumes that they have for themselves and that have no name');
  },
  run(context, wanted, { force, volumes }) {
    return forEachContainer(context, wanted, async (id) => {
      const { roots } = context;
      const found = findId(roots, id);
      try {
        await removeContainer(roots, findContainer(roots, found), {
          force: force === true,
          volumes: volumes === true,
        });
      } catch (error) {
        if (force !== true || !(error instanceof BerthError) || error.code !== 'STATE_DAMAGED') throw error;
        await removeDamaged(roots, found);
      }
    });
  },
};
