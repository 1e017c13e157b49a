import { isatty } from 'node:tty';
import { type SaveFormat, saveFormats, saveImages } from '../../containerizer/image/save.js';
import { usageError } from '../report.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Write images to an archive, or as a layout, that other tools read',
  example: 'berth image save -o debian.tar debian:bookworm',
  declare(command) {
    command
      .argument('<image...>', 'names or ids')
      .option('-o, --output <file>', 'a file, or with oci-dir a new folder; default: standard output')
      .option(
        '--format <format>',
        `${saveFormats.join(', ')}; default docker-archive, as docker save writes it; aci gives an App Container Image back as it came`,
      )
      .option(
        '--all-platforms',
        'with oci-archive or oci-dir: the whole index that an image is from, if it came with --all-platforms',
      );
  },
  async run(context, references, { output, format = 'docker-archive', allPlatforms }) {
    if (!isFormat(format)) {
      throw usageError(
        `--format ${String(format)}`,
        'it is not a format',
        `Use one of ${saveFormats.join(', ')}.`,
      );
    }
    if (output === undefined && isatty(1)) {
      throw usageError(
        'image save',
        'standard output is a terminal',
        'Use -o FILE, or send it to a file or pipe.',
      );
    }
    const to = typeof output === 'string' && output !== '-' ? output : 1;
    await saveImages(context.roots, references, format, to, { allPlatforms: allPlatforms === true });
    if (context.json && to !== 1)
      context.out(`${JSON.stringify({ images: references, format, output: to })}\n`);
    return 0;
  },
};

function isFormat(text: unknown): text is SaveFormat {
  return saveFormats.some((format) => format === text);
}
