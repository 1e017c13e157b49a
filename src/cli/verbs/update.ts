import { findContainer } from '../../containerizer/container/catalogue.js';
import { updateContainer } from '../../containerizer/container/update.js';
import { forEachContainer } from '../each-container.js';
import { usageError } from '../report.js';
import { limitFlags, limitsSaid } from '../run-flags/resources.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Change the limits of containers that run',
  example: 'berth update --memory 512m --cpus 2 web',
  declare(command) {
    command.argument('<id...>', 'ids or names');
    for (const flag of limitFlags) command.addOption(flag);
  },
  run(context, wanted, flags) {
    const limits = limitsSaid(flags);
    if (Object.keys(limits).length === 0) {
      throw usageError('update', 'no limit was given', 'See berth update --help for those that can change.');
    }
    return forEachContainer(context, wanted, (id) =>
      updateContainer(context.roots, findContainer(context.roots, id), limits),
    );
  },
};
