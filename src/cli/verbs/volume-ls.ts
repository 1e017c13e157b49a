import { volumesWithUsers } from '../../containerizer/container/volume-users.js';
import { dockerVolume } from '../format/docker-things.js';
import { type Format, formatFlag, formatted } from '../format/flag.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';
import { volumeJson } from './volume-inspect.js';

export const verb: Verb = {
  summary: 'List the volumes',
  example: 'berth volume ls',
  declare(command) {
    command.option('-q, --quiet', 'only names').addOption(formatFlag());
  },
  run({ roots, json, out }, _args, given) {
    const { quiet, format } = given as { quiet?: true; format?: Format };
    const volumes = volumesWithUsers(roots);
    if (json || format === 'json') out(`${JSON.stringify({ volumes: volumes.map(volumeJson) })}\n`);
    else if (format !== undefined)
      out(
        formatted(
          format,
          volumes.map((each) => dockerVolume(volumeJson(each))),
        ),
      );
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
