import { prune } from '../../containerizer/reclaim/prune.js';
import { confirm } from '../confirm.js';
import { declarePruning, limitOf, type PruneFlags, tellPruned } from '../prune-flags.js';
import { usageError } from '../report.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove what nothing uses: ended containers, networks, images without a name',
  example: 'berth prune -f --filter until=24h',
  declare(command) {
    command
      .option('-a, --all', 'images with a name that no container needs, and compiled filters, too')
      .option('--volumes', 'volumes without a name that no container has, too');
    declarePruning(command);
  },
  async run(context, _, given) {
    const flags = given as PruneFlags;
    const { force, all, volumes } = flags;
    if (volumes === true && flags.filter !== undefined)
      throw usageError('prune', '--volumes goes with no --filter until', 'Use berth volume prune.');
    const what = [
      'containers that have ended or were never started',
      'networks that no container is on',
      ...(volumes === true ? ['volumes without a name that no container has'] : []),
      all === true ? 'images that no container needs' : 'images without a name that no container needs',
    ];
    if (force !== true && !(await confirm('prune', `This removes:\n  ${what.join('\n  ')}`))) return 0;
    const { bytes, images, ...removed } = await prune(context.roots, {
      all: all === true,
      volumes: volumes === true,
      ...limitOf(flags),
      onLeft: (text) => context.note(`berth: left: ${text}`),
    });
    const told = images.map(({ name, manifestDigest }) => ({ name, digest: manifestDigest }));
    tellPruned(context, { ...removed, images: told }, bytes);
    return 0;
  },
};
