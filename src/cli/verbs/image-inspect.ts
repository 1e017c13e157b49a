import { type ImageDetails, inspectImage } from '../../containerizer/image/list.js';
import { dockerImage } from '../format/docker-things.js';
import { type Format, formatFlag } from '../format/flag.js';
import { inspected } from '../format/inspected.js';
import type { Verb } from '../verb.js';
import { imageJson } from './image-ls.js';

export const verb: Verb = {
  summary: 'Show the manifest, configuration and layers of images, as JSON',
  example: 'berth image inspect debian:bookworm',
  declare(command) {
    command
      .argument('<image...>', 'names or ids; of one its document, of several a list of them')
      .addOption(formatFlag('-f, --format <template>'));
  },
  run({ roots, json, out }, references, given) {
    const { format } = given as { format?: Format };
    const told = references.map((reference) => imageDetailsJson(inspectImage(roots, reference)));
    out(inspected(told, dockerImage, { json, format, alone: true }));
    return 0;
  },
};

export function imageDetailsJson(image: ImageDetails) {
  const { manifest, config, directories } = image;
  return {
    ...imageJson(image),
    id: image.configDigest,
    names: image.names,
    os: config.os,
    architecture: config.architecture,
    variant: config.variant ?? null,
    author: config.author ?? null,
    diff_ids: config.rootfs.diff_ids,
    manifest,
    config,
    directories,
    index: image.index ?? null,
  };
}
