import { Option } from 'commander';
import { type PlatformLike, platformName } from '../../containerizer/image/platform.js';
import type { ProvidedImage } from '../../containerizer/image/provide.js';
import { BerthError } from '../../errors/berth-error.js';
import { insecure, insecureFlag, policyFlag } from '../insecure-options.js';
import { registryFlags, registryOptions } from '../registry-flags.js';
import { usageError } from '../report.js';
import type { Context } from '../verb.js';
import type { FlagGroup } from './group.js';
import { platform } from './platform.js';

interface Given {
  pull?: 'always' | 'missing' | 'never';
  platform?: PlatformLike;
  rootfs?: string;
  quiet?: true;
}

/** What it is made of. They say nothing of the container itself: `providedImage` reads them. */
export const image: FlagGroup<Given> = {
  title: 'Image',
  flags: [
    new Option('--pull <when>', 'always, missing or never: when its registry is asked for the image')
      .choices(['always', 'missing', 'never'])
      .default('missing'),
    new Option(
      '--platform <os[/machine[/variant]]>',
      'the image must be for that, e.g. linux/amd64',
    ).argParser(platform),
    new Option(
      '--rootfs <dir>',
      'a folder with a root file system instead of an image, the same as dir:DIR; what is written goes elsewhere',
    ),
    new Option('-q, --quiet', 'no progress while the image is fetched'),
    ...registryFlags(),
    insecureFlag(),
    policyFlag(),
  ],
  collect: () => ({}),
};

/** The image that the flags and the first argument ask for, and the words that are left for the command. */
export async function providedImage(
  context: Context,
  words: string[],
  given: object,
): Promise<{ image: ProvidedImage; command: string[] }> {
  const { pull, platform: wanted, rootfs, quiet }: Given = given;
  const [reference, ...rest] = rootfs === undefined ? words : [`dir:${rootfs}`, ...words];
  if (reference === undefined) {
    throw usageError('run', "missing required argument 'image'", 'See berth run --help.');
  }
  const { provideImage } = await import('../../containerizer/image/provide.js');
  const { imageProgress } = await import('../image-progress.js');
  const found = await provideImage(context.roots, reference, {
    ...registryOptions(context, given),
    ...insecure(given),
    onProgress: quiet === true ? () => {} : imageProgress(context),
    pull,
    platform: wanted,
  });
  if (wanted !== undefined) mustFit(found, wanted);
  return { image: found, command: rest };
}

function mustFit({ reference, config }: ProvidedImage, wanted: PlatformLike): void {
  const fits =
    config.os === wanted.os &&
    config.architecture === wanted.architecture &&
    (wanted.variant === undefined || config.variant === undefined || config.variant === wanted.variant);
  if (fits) return;
  throw new BerthError('PLATFORM_MISSING', {
    what: `image ${reference}`,
    why: `it is for ${config.os}/${config.architecture}, not for ${platformName(wanted)}`,
  });
}
