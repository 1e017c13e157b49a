import { pruneNetworks } from '../../containerizer/container/remove-network.js';
import { declarePruning, limitOf, type PruneFlags } from '../prune-flags.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove every network that no container is on, but for the default one',
  example: 'berth network prune --filter until=24h',
  declare: (command) => declarePruning(command, 'as Docker has it; nothing is asked'),
  async run({ roots, json, out, note }, _, given) {
    const removed = await pruneNetworks(roots, {
      ...limitOf(given as PruneFlags),
      onLeft: (text) => note(`berth: left: ${text}`),
    });
    out(json ? `${JSON.stringify({ networks: removed })}\n` : removed.map((name) => `${name}\n`).join(''));
    return 0;
  },
};
