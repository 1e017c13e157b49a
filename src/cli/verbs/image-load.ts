import { isatty } from 'node:tty';
import { type LoadedImage, loadImage, loadImages } from '../../containerizer/image/load.js';
import { imageProgress } from '../image-progress.js';
import { insecure, insecureFlag, policyFlag } from '../insecure-options.js';
import { declareRegistryFlags, registryOptions } from '../registry-flags.js';
import { usageError } from '../report.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Bring images into the store, verified and unpacked',
  example: 'berth image load -i busybox.tar',
  declare(command) {
    command
      .argument(
        '[ref]',
        'oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG], dir:ROOTFS or FILE.aci',
      )
      .argument(
        '[name]',
        'NAME[:TAG] in the store; by default as the archive has it, or after the folder or file',
      )
      .option(
        '-i, --input <file>',
        'an archive of docker save or OCI, - for standard input (the default where something is piped in); then the one argument is the name',
      )
      .option(
        '--all-platforms',
        'keep what the image has for other machines too, to be saved or pushed; only one is unpacked',
      )
      .addOption(insecureFlag())
      .addOption(policyFlag());
    declareRegistryFlags(command);
  },
  async run(context, args, flags) {
    const { input } = flags;
    const onProgress = imageProgress(context);
    const [reference, second] = args;
    // As Docker has it: what is piped in is the archive.
    const piped = reference === undefined && !isatty(0) ? '-' : undefined;
    const file = typeof input === 'string' ? input : piped;
    const name = file === undefined ? second : reference;
    if (file === undefined ? reference === undefined : second !== undefined) {
      throw usageError(
        'image load',
        'it takes one source',
        'Use berth image load REF [NAME], or berth image load -i FILE [NAME].',
      );
    }
    const options = {
      ...registryOptions(context, flags),
      ...insecure(flags),
      onProgress,
      allPlatforms: flags.allPlatforms === true,
      ...(name === undefined ? {} : { name }),
    };
    const loaded: LoadedImage[] =
      file === undefined
        ? [await loadImage(context.roots, reference ?? '', options)]
        : await loadImages(context.roots, file === '-' ? 0 : file, options);
    for (const warning of new Set(loaded.flatMap(({ warnings }) => warnings)))
      context.note(`berth: warning: ${warning}`);
    const told = loaded.map((each) => ({
      name: each.name,
      digest: each.manifestDigest,
      index_digest: each.indexDigest ?? null,
      warnings: each.warnings,
    }));
    if (!context.json) context.out(told.map((each) => `${each.name}@${each.digest}\n`).join(''));
    // One source has one image, and one document; an archive has any number.
    else context.out(`${JSON.stringify(file === undefined ? told[0] : { images: told })}\n`);
    return 0;
  },
};
