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
      .option('-f, --force', 'kill those that run first; one that is not there is no failure')
      .option('-v, --volumes', 'with the volumes that they have for themselves and that have no name');
  },
  run(context, wanted, { force, volumes }) {
    return forEachContainer(context, wanted, async (id) => {
      const { roots } = context;
      let found = id;
      try {
        found = findId(roots, id);
        await removeContainer(roots, findContainer(roots, found), {
          force: force === true,
          volumes: volumes === true,
        });
      } catch (error) {
        if (force !== true || !(error instanceof BerthError)) throw error;
        if (error.code === 'STATE_DAMAGED') return removeDamaged(roots, found);
        if (error.code !== 'CONTAINER_NOT_FOUND') throw error;
        // As Docker: it is as it was wanted.
        context.note(`berth: ${error.message}`);
        return 'absent';
      }
    });
  },
};
