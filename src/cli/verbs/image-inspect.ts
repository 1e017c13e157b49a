import { type ImageDetails, inspectImage } from '../../containerizer/image/list.js';
import type { Verb } from '../verb.js';
import { imageJson } from './image-ls.js';

export const verb: Verb = {
  summary: 'Show the manifest, configuration and layers of an image',
  example: 'berth image inspect debian:bookworm',
  declare(command) {
    command.argument('<image>', 'a name or id');
  },
  run(context, [reference = '']) {
    const document = imageDetailsJson(inspectImage(context.roots, reference));
    context.out(`${JSON.stringify(document, null, context.json ? 0 : 2)}\n`);
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
