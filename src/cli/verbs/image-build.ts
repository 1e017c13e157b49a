import { Option } from 'commander';
import { buildImage } from '../../containerizer/build/build-image.js';
import type { MadeLayer } from '../../containerizer/image/make-image.js';
import type { PullPolicy } from '../../containerizer/image/provide.js';
import { imageProgress } from '../image-progress.js';
import { usageError } from '../report.js';
import { repeatable } from '../run-flags/group.js';
import type { Verb } from '../verb.js';

interface Flags {
  file?: string;
  tag: string[];
  compression: MadeLayer['compression'];
  pull: PullPolicy;
}

export const verb: Verb = {
  summary: 'Make an image from a recipe and the files of a folder, the same bytes each time',
  example: 'berth image build -t tool:1 ./tool',
  declare(command) {
    command
      .argument('[folder]', 'where the files are that the recipe names; by default the current one')
      .option('-f, --file <file>', 'the recipe; by default berth-image.json in that folder')
      .addOption(
        new Option('-t, --tag <name>', 'NAME[:TAG] of the new image (repeatable)')
          .argParser(repeatable(String))
          .makeOptionMandatory(),
      )
      .addOption(
        new Option('--compression <kind>', 'of the new layers')
          .choices(['gzip', 'zstd', 'none'])
          .default('gzip'),
      )
      .addOption(
        new Option('--pull <when>', 'whether images below are fetched from their registries')
          .choices(['always', 'missing', 'never'])
          .default('missing'),
      );
  },
  async run(context, [folder = '.'], given) {
    const { file, tag, compression, pull } = given as unknown as Flags;
    const built = await buildImage(context.roots, {
      ...{ names: tag, context: folder, recipe: file, compression, pull },
      time: sourceDate(process.env.SOURCE_DATE_EPOCH),
      onProgress: imageProgress(context),
    });
    for (const warning of built.warnings) context.note(`berth: warning: ${warning}`);
    const { names, manifestDigest: digest, warnings } = built;
    context.out(
      context.json
        ? `${JSON.stringify({ names, digest, warnings })}\n`
        : names.map((name) => `${name}@${digest}\n`).join(''),
    );
    return 0;
  },
};

/** https://reproducible-builds.org/specs/source-date-epoch/ */
function sourceDate(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const seconds = Number(text);
  // What a date has four digits of years for.
  if (/^\d{1,12}$/.test(text) && seconds < 253_402_300_800) return seconds;
  throw usageError(
    'image build',
    `SOURCE_DATE_EPOCH is ${JSON.stringify(text)}, not seconds of the epoch`,
    'Unset it, or give it a number.',
  );
}
