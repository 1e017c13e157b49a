import { findContainer } from '../../containerizer/container/catalogue.js';
import { updateContainer } from '../../containerizer/container/update.js';
import { updateRestart } from '../../containerizer/container/update-restart.js';
import { requireKeeper } from '../../containerizer/keeping/keeper-lock.js';
import type { RestartPolicy } from '../../containerizer/keeping/wishes.js';
import { forEachContainer } from '../each-container.js';
import { usageError } from '../report.js';
import { restartFlag } from '../run-flags/lifecycle.js';
import { limitFlags, limitsSaid } from '../run-flags/resources.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Change the limits or the restart policy of containers',
  example: 'berth update --memory 512m --cpus 2 web',
  declare(command) {
    command.argument('<id...>', 'ids or names');
    for (const flag of [...limitFlags, restartFlag()]) command.addOption(flag);
  },
  run(context, wanted, flags) {
    const { roots } = context;
    const limits = limitsSaid(flags);
    const { restart }: { restart?: RestartPolicy } = flags;
    const limited = Object.keys(limits).length > 0;
    if (!limited && restart === undefined) {
      throw usageError(
        'update',
        'nothing to change was given',
        'See berth update --help for what can change.',
      );
    }
    if (restart !== undefined && restart.name !== 'no') requireKeeper(roots, { restart });
    return forEachContainer(context, wanted, async (id) => {
      const container = findContainer(roots, id);
      if (limited) await updateContainer(roots, container, limits);
      if (restart !== undefined) await updateRestart(roots, container, restart);
    });
  },
};
