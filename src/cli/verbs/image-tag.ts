import { tagImage } from '../../containerizer/image/tag.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Give an image one more name',
  example: 'berth image tag debian:bookworm base:1',
  declare(command) {
    command.argument('<image>', 'a name or id').argument('<name>', 'NAME[:TAG]');
  },
  async run(context, [reference = '', name = '']) {
    const tagged = await tagImage(context.roots, reference, name);
    if (context.json)
      context.out(`${JSON.stringify({ name: tagged.name, digest: tagged.manifestDigest })}\n`);
    return 0;
  },
};
