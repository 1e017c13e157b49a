import { volumesWithUsers } from '../../containerizer/container/volume-users.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';
import { volumeJson } from './volume-inspect.js';

export const verb: Verb = {
  summary: 'List the volumes',
  example: 'berth volume ls',
  declare(command) {
    command.option('-q, --quiet', 'only names');
  },
  run({ roots, json, out }, _args, { quiet }) {
    const volumes = volumesWithUsers(roots);
    if (json) out(`${JSON.stringify({ volumes: volumes.map(volumeJson) })}\n`);
    else if (quiet === true) out(volumes.map(({ document }) => `${document.name}\n`).join(''));
    else {
      const rows = volumes.map(({ document, usedBy }) => [
        document.name,
        document.created_at.slice(0, 19).replace('T', ' '),
        usedBy.join(' ') || '-',
      ]);
      out(table(columns, rows));
    }
    return 0;
  },
};

const columns: Column[] = [{ header: 'VOLUME' }, { header: 'CREATED' }, { header: 'CONTAINERS' }];
