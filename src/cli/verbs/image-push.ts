import { allTags } from '../../containerizer/image/all-tags.js';
import { type PushFormat, pushFormats } from '../../containerizer/image/manifest-format.js';
import { pushImage } from '../../containerizer/image/push.js';
import { imageEvents, imageProgress } from '../image-progress.js';
import { declareRegistryFlags, registryOptions } from '../registry-flags.js';
import { usageError } from '../report.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Send an image of the store to a registry',
  example: 'berth image push web:1 registry.example.com/team/web:1',
  declare(command) {
    command
      .argument('<image>', 'a name or an id')
      .argument('[destination]', 'NAME[:TAG] at the registry; by default the name it has here')
      .option('-a, --all-tags', 'every tag that a name has here; the image is a name without a tag')
      .option('--all-platforms', 'the whole index that the image is from, if it came with --all-platforms')
      .option('-q, --quiet', 'no progress')
      .option('--format <format>', `${pushFormats.join(' or ')}; by default byte for byte as it came`);
    declareRegistryFlags(command);
  },
  async run(context, [image = '', destination], flags) {
    const { format, quiet } = flags;
    if (format !== undefined && !isFormat(format)) {
      throw usageError(`--format ${String(format)}`, 'it is no format', `Use ${pushFormats.join(' or ')}.`);
    }
    if (flags.allPlatforms === true && format !== undefined)
      throw usageError('--all-platforms', 'an index goes byte for byte as it came', 'Leave out --format.');
    const onProgress = context.json
      ? imageEvents(context)
      : quiet === true
        ? () => {}
        : imageProgress(context);
    const options = {
      ...registryOptions(context, flags),
      onProgress,
      format,
      allPlatforms: flags.allPlatforms === true,
    };
    const pairs =
      flags.allTags === true ? allTags(context.roots, image, destination) : [{ image, to: destination }];
    for (const pair of pairs) {
      const { name, manifestDigest, sent } = await pushImage(context.roots, pair.image, pair.to, options);
      if (context.json)
        context.out(
          `${JSON.stringify({ event: 'pushed', name, digest: manifestDigest, sent_bytes: sent })}\n`,
        );
      else context.out(`${name.includes('@') ? name : `${name}@${manifestDigest}`}\n`);
    }
    return 0;
  },
};

function isFormat(text: unknown): text is PushFormat {
  return pushFormats.some((format) => format === text);
}
