import { pruneVolumes } from '../../containerizer/container/volume-users.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove the volumes without a name that no container has',
  example: 'berth volume prune',
  declare(command) {
    command
      .option('-a, --all', 'those with a name too')
      .option('-f, --force', 'as Docker has it; nothing is asked');
  },
  run({ roots, json, out }, _args, { all }) {
    const removed = pruneVolumes(roots, all === true);
    out(json ? `${JSON.stringify({ volumes: removed })}\n` : removed.map((name) => `${name}\n`).join(''));
    return 0;
  },
};
