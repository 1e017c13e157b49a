import { type ImageSummary, listImages } from '../../containerizer/image/list.js';
import { dockerImageRow } from '../format/docker-things.js';
import { type Format, formatFlag, formatted } from '../format/flag.js';
import { megabytes } from '../image-progress.js';
import { report } from '../report.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'List the images of the store',
  example: 'berth image ls --json',
  declare(command) {
    command
      .option('-q, --quiet', 'ids alone')
      .option('--no-trunc', 'show digests in full')
      .addOption(formatFlag());
  },
  run(context, _none, given) {
    const { quiet, trunc, format } = given as { quiet?: true; trunc: boolean; format?: Format };
    const images = listImages(context.roots, (damage) => report(damage, 'image ls'));
    const shown = (digest: string) => (trunc === false ? digest : digest.slice(7, 19));
    if (context.json || format === 'json') {
      context.out(`${JSON.stringify({ images: images.map(imageJson) })}\n`);
      return 0;
    }
    if (format !== undefined) {
      context.out(
        formatted(
          format,
          images.map((image) => dockerImageRow(imageJson(image), trunc)),
        ),
      );
      return 0;
    }
    if (quiet === true) {
      context.out([...new Set(images.map((image) => `${shown(image.manifestDigest)}\n`))].join(''));
      return 0;
    }
    const rows = images.map((image) => [
      image.name,
      shown(image.manifestDigest),
      String(image.layers),
      megabytes(image.size),
      moment(image.created),
      moment(image.loadedAt),
    ]);
    context.out(table(columns, rows));
    return 0;
  },
};

const columns: Column[] = [
  { header: 'IMAGE' },
  { header: 'DIGEST' },
  { header: 'LAYERS', align: 'right' },
  { header: 'SIZE', align: 'right' },
  { header: 'CREATED' },
  { header: 'LOADED' },
];

function moment(time: string | undefined): string {
  return time?.slice(0, 19).replace('T', ' ') ?? '-';
}

/** The members that `image ls` and `image inspect` share. */
export function imageJson(image: ImageSummary) {
  return {
    name: image.name,
    digest: image.manifestDigest,
    config_digest: image.configDigest,
    created: image.created ?? null,
    loaded_at: image.loadedAt,
    size: image.size,
    blob_size: image.blobSize,
    layers: image.layers,
  };
}
