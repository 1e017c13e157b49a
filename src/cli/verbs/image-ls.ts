import { type ImageSummary, listImages } from '../../containerizer/image/list.js';
import { megabytes } from '../image-progress.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'List the images of the store',
  example: 'berth image ls --json',
  declare() {},
  run(context) {
    const images = listImages(context.roots);
    if (context.json) {
      context.out(`${JSON.stringify({ images: images.map(imageJson) })}\n`);
      return 0;
    }
    const rows = images.map((image) => [
      image.name,
      image.manifestDigest.slice(7, 19),
      String(image.layers),
      megabytes(image.size),
      image.loadedAt.slice(0, 19).replace('T', ' '),
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
  { header: 'LOADED' },
];

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
