import {
  selectVolumes,
  type VolumeFilters,
  volumeFilterKeys,
} from '../../containerizer/container/volume-users.js';
import { filterFlag } from '../filter-flag.js';
import { dockerVolume } from '../format/docker-things.js';
import { type Format, formatFlag, formatted } from '../format/flag.js';
import { labelColumns } from '../format/labels.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';
import { volumeJson } from './volume-inspect.js';

export const verb: Verb = {
  summary: 'List the volumes',
  example: 'berth volume ls --filter dangling=true',
  declare(command) {
    command
      .option('-q, --quiet', 'only names')
      .addOption(filterFlag(volumeFilterKeys, whyNot))
      .addOption(formatFlag());
  },
  run({ roots, json, out }, _args, given) {
    const { quiet, filter = {}, format } = given as { quiet?: true; filter?: VolumeFilters; format?: Format };
    const volumes = selectVolumes(roots, filter);
    if (json || format === 'json') out(`${JSON.stringify({ volumes: volumes.map(volumeJson) })}\n`);
    else if (format !== undefined)
      out(
        formatted(
          format,
          volumes.map((each) => ({
            ...dockerVolume(volumeJson(each)),
            ...labelColumns(each.document.labels),
          })),
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

function whyNot(key: (typeof volumeFilterKeys)[number], value: string): string | undefined {
  return key === 'dangling' && !/^(true|false|1|0)$/.test(value) ? 'dangling is true or false.' : undefined;
}

const columns: Column[] = [{ header: 'VOLUME' }, { header: 'CREATED' }, { header: 'CONTAINERS' }];
