import { Option } from 'commander';
import { importTree } from '../../containerizer/image/import-tree.js';
import { imageProgress } from '../image-progress.js';
import { repeatable } from '../run-flags/group.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Make an image from the archive of a root file system',
  example: `berth image import rootfs.tar.gz base:1 --change 'CMD ["sh"]'`,
  declare(command) {
    command
      .argument('<file>', 'a tar archive, compressed or not; - for standard input')
      .argument('<name>', 'NAME[:TAG]')
      .addOption(
        new Option(
          '-c, --change <instruction>',
          'as in a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, … (repeatable)',
        ).argParser(repeatable(String)),
      )
      .option('-m, --message <text>', 'what the history says of it');
  },
  async run(context, [file = '', name = ''], { change, message }) {
    const imported = await importTree(context.roots, file === '-' ? 0 : file, {
      name,
      changes: (change ?? []) as string[],
      message: typeof message === 'string' ? message : undefined,
      onProgress: imageProgress(context),
    });
    for (const warning of imported.warnings) context.note(`berth: warning: ${warning}`);
    const { manifestDigest: digest, warnings } = imported;
    context.out(
      context.json
        ? `${JSON.stringify({ name: imported.name, digest, warnings })}\n`
        : `${imported.name}@${digest}\n`,
    );
    return 0;
  },
};
