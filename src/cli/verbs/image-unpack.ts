import { unpackImage } from '../../containerizer/image/unpack-image.js';
import { imageProgress } from '../image-progress.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Write the root file system of an image as a plain tree',
  example: 'berth image unpack oci:./debian:bookworm /srv/debian',
  declare(command) {
    command
      .argument('<image>', 'a name or id in the store, oci:DIR, oci-archive:FILE or docker-archive:FILE')
      .argument('<dir>', 'a new folder');
  },
  async run(context, [reference = '', directory = '']) {
    const unpacked = await unpackImage(context.roots, reference, directory, {
      onProgress: imageProgress(context),
    });
    for (const warning of unpacked.warnings) context.note(`berth: warning: ${warning}`);
    if (context.json) context.out(`${JSON.stringify(unpacked)}\n`);
    return 0;
  },
};
