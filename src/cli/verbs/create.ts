import { createContainer } from '../../containerizer/container/create.js';
import { requireKeeper } from '../../containerizer/keeping/keeper-lock.js';
import { providedImage } from '../run-flags/image.js';
import { containerOptions, declareRunFlags } from '../run-flags/index.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Make a container that waits to be started',
  example: 'berth create --name web --memory 256m debian:bookworm sleep 600',
  declare(command) {
    command
      .argument('<image>', 'oci:DIR[:TAG], or a name from berth image ls')
      .argument('[command...]', "instead of the image's own")
      .passThroughOptions();
    declareRunFlags(command);
  },
  async run(context, words, flags) {
    const { roots, json, out, note } = context;
    // What is wrong with a flag is told before an image is fetched.
    const wanted = await containerOptions(flags, []);
    requireKeeper(roots, wanted);
    const { image, command } = await providedImage(context, words, flags);
    const options = { ...wanted, command };
    const made = await createContainer(roots, {
      image,
      options,
      onWarning: (text) => note(`berth: ${text}`),
    });
    out(json ? `${JSON.stringify(made)}\n` : `${made.id}\n`);
    return 0;
  },
};
