import { imageUser } from '../../containerizer/image/image-user.js';
import { removeImage } from '../../containerizer/image/remove.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove an image from the store',
  example: 'berth image rm debian:bookworm',
  declare(command) {
    command.argument('<image>');
  },
  async run(context, [reference = '']) {
    const removed = await removeImage(context.roots, reference, imageUser(context.roots));
    const { name, manifestDigest, contentRemoved } = removed;
    context.out(
      context.json
        ? `${JSON.stringify({ name, digest: manifestDigest, content_removed: contentRemoved })}\n`
        : `${name}\n`,
    );
    return 0;
  },
};
