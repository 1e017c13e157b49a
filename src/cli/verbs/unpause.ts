import { findContainer } from '../../containerizer/container/catalogue.js';
import { unpauseContainer } from '../../containerizer/container/pause.js';
import { forEachContainer } from '../each-container.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Let paused containers go on',
  example: 'berth unpause web',
  declare(command) {
    command.argument('<id...>', 'ids or names');
  },
  run(context, wanted) {
    return forEachContainer(context, wanted, async (id) =>
      unpauseContainer(context.roots, findContainer(context.roots, id)),
    );
  },
};
