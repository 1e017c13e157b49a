import { findContainer } from '../../containerizer/container/catalogue.js';
import { removeContainer } from '../../containerizer/container/remove.js';
import { forEachContainer } from '../each-container.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove containers with their files and logs',
  example: 'berth rm -f web',
  declare(command) {
    command.argument('<id...>', 'ids or names').option('-f, --force', 'kill those that run first');
  },
  run(context, wanted, { force }) {
    return forEachContainer(context, wanted, (id) =>
      removeContainer(context.roots, findContainer(context.roots, id), { force: force === true }),
    );
  },
};
