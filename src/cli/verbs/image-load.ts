import { loadImage } from '../../containerizer/image/load.js';
import { imageProgress } from '../image-progress.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Bring an image into the store, verified and unpacked',
  example: 'berth image load oci:./debian:bookworm debian:bookworm',
  declare(command) {
    command
      .argument('<ref>', 'oci:DIR[:TAG]')
      .argument('[name]', 'NAME[:TAG] in the store; by default the folder and its tag');
  },
  async run(context, [reference = '', name]) {
    const loaded = await loadImage(context.roots, reference, {
      ...(name === undefined ? {} : { name }),
      onProgress: imageProgress(context),
    });
    for (const warning of loaded.warnings) context.note(`berth: warning: ${warning}`);
    const { manifestDigest, warnings } = loaded;
    context.out(
      context.json
        ? `${JSON.stringify({ name: loaded.name, digest: manifestDigest, warnings })}\n`
        : `${loaded.name}@${manifestDigest}\n`,
    );
    return 0;
  },
};
