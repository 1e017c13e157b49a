import { removeVolume } from '../../containerizer/container/volume-users.js';
import { BerthError } from '../../errors/berth-error.js';
import { report } from '../report.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove volumes that no container has',
  example: 'berth volume rm data',
  declare(command) {
    command.argument('<name...>').option('-f, --force', 'one that is not there is no failure');
  },
  run({ roots, json, out }, names, { force }) {
    let status = 0;
    const removed: string[] = [];
    for (const name of names) {
      try {
        removeVolume(roots, name);
        removed.push(name);
        if (!json) out(`${name}\n`);
      } catch (error) {
        if (!(error instanceof BerthError)) throw error;
        if (force === true && error.code === 'VOLUME_NOT_FOUND') continue;
        const failed = report(error, name);
        status ||= failed;
      }
    }
    if (json) out(`${JSON.stringify({ volumes: removed })}\n`);
    return status;
  },
};
