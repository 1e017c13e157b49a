import { InvalidArgumentError, Option } from 'commander';
import type { ProvidedImage } from '../../containerizer/image/provide.js';
import { BerthError } from '../../errors/berth-error.js';
import { usageError } from '../report.js';
import type { Context } from '../verb.js';
import type { FlagGroup } from './group.js';

interface Given {
  pull?: 'always' | 'missing' | 'never';
  platform?: Platform;
  rootfs?: string;
}

interface Platform {
  os: string;
  architecture?: string | undefined;
  variant?: string | undefined;
}

/** What it is made of. They say nothing of the container itself: `providedImage` reads them. */
export const image: FlagGroup<Given> = {
  title: 'Image',
  flags: [
    new Option(
      '--pull <when>',
      'always, missing or never: there are no registries yet, so that only images of this host are found',
    )
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
  ],
  collect: () => ({}),
};

/** The image that the flags and the first argument ask for, and the words that are left for the command. */
export async function providedImage(
  context: Context,
  words: string[],
  given: object,
): Promise<{ image: ProvidedImage; command: string[] }> {
  const { pull, platform: wanted, rootfs }: Given = given;
  const [reference, ...rest] = rootfs === undefined ? words : [`dir:${rootfs}`, ...words];
  if (reference === undefined) {
    throw usageError('run', "missing required argument 'image'", 'See berth run --help.');
  }
  if (pull === 'always' && !/^[a-z-]+:[./]/.test(reference)) {
    throw usageError(
      `--pull always ${reference}`,
      'there are no registries yet that it could come from',
      'Load it: berth image load.',
    );
  }
  const { provideImage } = await import('../../containerizer/image/provide.js');
  const { imageProgress } = await import('../image-progress.js');
  const found = await provideImage(context.roots, reference, { onProgress: imageProgress(context) });
  if (wanted !== undefined) mustFit(found, wanted);
  return { image: found, command: rest };
}

function mustFit({ reference, config }: ProvidedImage, wanted: Platform): void {
  const fits =
    config.os === wanted.os &&
    (wanted.architecture === undefined || config.architecture === wanted.architecture) &&
    (wanted.variant === undefined || config.variant === undefined || config.variant === wanted.variant);
  if (fits) return;
  const { os, architecture, variant } = wanted;
  throw new BerthError('PLATFORM_MISSING', {
    what: `image ${reference}`,
    why: `it is for ${config.os}/${config.architecture}, not for ${[os, architecture, variant].filter(Boolean).join('/')}`,
  });
}

/** What people call machines, to what OCI calls them (image-index.md, "platform"). */
const otherNames: Record<string, string> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  i386: '386',
};

function platform(text: string): Platform {
  const [os = '', machine, variant, ...more] = text.toLowerCase().split('/');
  if (!/^[a-z0-9]+$/.test(os) || machine === '' || variant === '' || more.length > 0)
    throw new InvalidArgumentError('It is OS, OS/MACHINE or OS/MACHINE/VARIANT, e.g. linux/amd64.');
  const architecture =
    machine !== undefined && Object.hasOwn(otherNames, machine) ? otherNames[machine] : machine;
  return { os, architecture, variant };
}
