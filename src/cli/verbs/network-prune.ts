import { pruneNetworks } from '../../containerizer/container/remove-network.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove every network that no container is on, but for the default one',
  example: 'berth network prune',
  declare() {},
  async run({ roots, json, out, note }) {
    const removed = await pruneNetworks(roots, { onLeft: (text) => note(`berth: left: ${text}`) });
    out(json ? `${JSON.stringify({ networks: removed })}\n` : removed.map((name) => `${name}\n`).join(''));
    return 0;
  },
};
