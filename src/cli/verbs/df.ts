import { type DiskReport, reportDisk, type Share } from '../../containerizer/reclaim/disk-report.js';
import { bytes } from '../../inspect/quantity.js';
import { report } from '../report.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Show what images, containers, volumes and caches take of the disk',
  example: 'berth df -v',
  declare(command) {
    command.option('-v, --verbose', 'each of them');
  },
  async run({ roots, json, out }, _, { verbose }) {
    const disk = await reportDisk(roots, (damage) => report(damage, 'df'));
    if (json) out(`${JSON.stringify(verbose === true ? disk : withoutItems(disk))}\n`);
    else out(verbose === true ? inDetail(disk) : summary(disk));
    return 0;
  },
};

const kinds = ['images', 'containers', 'volumes', 'cache'] as const;

function withoutItems(disk: DiskReport) {
  const entries = kinds.map((kind) => {
    const { items: _, ...figures } = disk[kind] as Share<unknown>;
    return [kind, figures];
  });
  return Object.fromEntries(entries) as unknown;
}

const right = (header: string): Column => ({ header, align: 'right' });

function summary(disk: DiskReport): string {
  return table(
    [{ header: 'TYPE' }, right('TOTAL'), right('ACTIVE'), right('SIZE'), right('RECLAIMABLE')],
    kinds.map((kind) => {
      const { count, active, size, reclaimable } = disk[kind];
      const part = size === 0 ? '' : ` (${Math.round((reclaimable / size) * 100)}%)`;
      return [kind, String(count), String(active), bytes(size), `${bytes(reclaimable)}${part}`];
    }),
  );
}

function inDetail({ images, containers, volumes, cache }: DiskReport): string {
  return [
    table(
      [
        { header: 'IMAGE' },
        { header: 'DIGEST' },
        right('SIZE'),
        right('SHARED'),
        right('UNIQUE'),
        right('CONTAINERS'),
      ],
      images.items.map((image) => [
        image.names.join(', ') || '-',
        image.digest.slice(7, 19),
        bytes(image.size),
        bytes(image.shared_size),
        bytes(image.unique_size),
        String(image.containers.length),
      ]),
    ),
    table(
      [{ header: 'CONTAINER' }, { header: 'NAME' }, { header: 'IMAGE' }, { header: 'STATE' }, right('SIZE')],
      containers.items.map(({ id, name, image, state, size }) => [
        id.slice(0, 12),
        name,
        image,
        state,
        bytes(size),
      ]),
    ),
    table(
      [{ header: 'VOLUME' }, right('SIZE'), right('CONTAINERS')],
      volumes.items.map(({ name, size, containers: users }) => [name, bytes(size), String(users.length)]),
    ),
    table(
      [{ header: 'CACHE' }, right('SIZE')],
      cache.items.map(({ path, size }) => [path, bytes(size)]),
    ),
  ].join('\n');
}
