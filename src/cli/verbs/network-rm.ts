import { removeNetwork } from '../../containerizer/container/remove-network.js';
import { BerthError } from '../../errors/berth-error.js';
import { report } from '../report.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove networks that no container is on',
  example: 'berth network rm backend',
  declare(command) {
    command.argument('<name...>').option('-f, --force', 'one that is not there is no failure');
  },
  async run({ roots, json, out }, names, { force }) {
    let status = 0;
    const removed: string[] = [];
    for (const name of names) {
      try {
        await removeNetwork(roots, name);
        removed.push(name);
        if (!json) out(`${name}\n`);
      } catch (error) {
        if (!(error instanceof BerthError)) throw error;
        if (force === true && error.code === 'NETWORK_NOT_FOUND') continue;
        const failed = report(error, name);
        status ||= failed;
      }
    }
    if (json) out(`${JSON.stringify({ networks: removed })}\n`);
    return status;
  },
};
