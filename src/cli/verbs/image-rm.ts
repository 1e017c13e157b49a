import { imageUser } from '../../containerizer/image/image-user.js';
import { type RemovedImage, removeImage } from '../../containerizer/image/remove.js';
import { BerthError } from '../../errors/berth-error.js';
import { report } from '../report.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Remove images from the store',
  example: 'berth image rm debian:bookworm',
  declare(command) {
    command
      .argument('<image...>', 'names or ids')
      .option('-f, --force', 'with an id: all names that the image has');
  },
  async run(context, references, { force }) {
    let status = 0;
    const removed: RemovedImage[] = [];
    for (const reference of references) {
      try {
        const options = { force: force === true };
        removed.push(await removeImage(context.roots, reference, imageUser(context.roots), options));
        if (!context.json) context.out(`${removed.at(-1)?.name}\n`);
      } catch (error) {
        // The others still get their turn.
        if (!(error instanceof BerthError)) throw error;
        status = report(error, reference) || status;
      }
    }
    if (!context.json) return status;
    const told = removed.map(({ name, manifestDigest, contentRemoved }) => ({
      name,
      digest: manifestDigest,
      content_removed: contentRemoved,
    }));
    // One name asked for has one answer.
    const document = references.length === 1 ? told[0] : { images: told };
    if (document !== undefined) context.out(`${JSON.stringify(document)}\n`);
    return status;
  },
};
