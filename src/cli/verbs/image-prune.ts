import { pruneImages } from '../../containerizer/reclaim/prune-images.js';
import { confirm } from '../confirm.js';
import { declarePruning, limitOf, type PruneFlags, tellPruned } from '../prune-flags.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove the images without a name that no container needs',
  example: 'berth image prune -a -f',
  declare(command) {
    command.option('-a, --all', 'those with a name too');
    declarePruning(command);
  },
  async run(context, _, given) {
    const flags = given as PruneFlags;
    const all = flags.all === true;
    const what = `This removes images${all ? '' : ' without a name'} that no container needs.`;
    if (flags.force !== true && !(await confirm('image prune', what))) return 0;
    const { images, bytes } = await pruneImages(context.roots, { all, ...limitOf(flags) });
    const told = images.map(({ name, manifestDigest }) => ({ name, digest: manifestDigest }));
    tellPruned(context, { images: told }, bytes);
    return 0;
  },
};
