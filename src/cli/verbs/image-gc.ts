import { pruneImages } from '../../containerizer/reclaim/prune-images.js';
import { tellPruned } from '../prune-flags.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove what no image needs, and images without a name that no container needs',
  example: 'berth image gc',
  declare() {},
  async run(context) {
    const { images, bytes } = await pruneImages(context.roots, { all: false });
    const told = images.map(({ name, manifestDigest }) => ({ name, digest: manifestDigest }));
    tellPruned(context, { images: told }, bytes);
    return 0;
  },
};
