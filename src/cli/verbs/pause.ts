import { findContainer } from '../../containerizer/container/catalogue.js';
import { pauseContainer } from '../../containerizer/container/pause.js';
import { forEachContainer } from '../each-container.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Hold every process of containers where it is',
  example: 'berth pause web',
  declare(command) {
    command.argument('<id...>', 'ids or names');
  },
  run(context, wanted) {
    return forEachContainer(context, wanted, (id) =>
      pauseContainer(context.roots, findContainer(context.roots, id)),
    );
  },
};
