import { pruneContainers } from '../../containerizer/reclaim/prune.js';
import { confirm } from '../confirm.js';
import { declarePruning, limitOf, type PruneFlags, tellPruned } from '../prune-flags.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove the containers that have ended or were never started',
  example: 'berth container prune -f --filter until=24h',
  declare: declarePruning,
  async run(context, _, given) {
    const flags = given as PruneFlags;
    const what = 'This removes containers that have ended or were never started, with their files and logs.';
    if (flags.force !== true && !(await confirm('container prune', what))) return 0;
    const { containers, bytes } = await pruneContainers(context.roots, {
      ...limitOf(flags),
      onLeft: (text) => context.note(`berth: left: ${text}`),
    });
    tellPruned(context, { containers }, bytes);
    return 0;
  },
};
