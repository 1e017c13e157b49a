import { Option } from 'commander';
import { findContainer } from '../../containerizer/container/catalogue.js';
import { commitContainer } from '../../containerizer/container/commit.js';
import { imageProgress } from '../image-progress.js';
import { repeatable } from '../run-flags/group.js';
import type { Verb } from '../verb.js';

const compressions = ['gzip', 'zstd', 'none'] as const;

export const verb: Verb = {
  summary: 'Make an image of what a container has become',
  example: `berth commit --change 'CMD ["sh"]' web web:2`,
  declare(command) {
    command
      .argument('<id>', 'id or name')
      .argument('<name>', 'NAME[:TAG] of the new image')
      .addOption(
        new Option(
          '-c, --change <instruction>',
          'as in a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, … (repeatable)',
        ).argParser(repeatable(String)),
      )
      .option('-a, --author <text>', 'who made it')
      .option('-m, --message <text>', 'what the history says of it')
      .option('-p, --pause', 'hold its processes while its files are read')
      .addOption(
        new Option('--compression <kind>', 'of the new layer').choices(compressions).default('gzip'),
      );
  },
  async run(context, [wanted = '', name = ''], { change, author, message, pause, compression }) {
    const committed = await commitContainer(context.roots, findContainer(context.roots, wanted), {
      name,
      changes: (change ?? []) as string[],
      author: typeof author === 'string' ? author : undefined,
      message: typeof message === 'string' ? message : undefined,
      pause: pause === true,
      compression: compressions.find((kind) => kind === compression) ?? 'gzip',
      onProgress: imageProgress(context),
    });
    for (const warning of committed.warnings) context.note(`berth: warning: ${warning}`);
    const { manifestDigest: digest, warnings } = committed;
    context.out(
      context.json
        ? `${JSON.stringify({ name: committed.name, digest, warnings })}\n`
        : `${committed.name}@${digest}\n`,
    );
    return 0;
  },
};
