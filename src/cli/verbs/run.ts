import { findContainer } from '../../containerizer/container/catalogue.js';
import { sweepCgroups } from '../../containerizer/container/cgroup-sweep.js';
import {
  type LaunchImage,
  launchContainer,
  type RunningContainer,
} from '../../containerizer/container/launch.js';
import { reasonOf } from '../../containerizer/container/oom.js';
import type { ContainerOptions } from '../../containerizer/container/options.js';
import { removeContainer } from '../../containerizer/container/remove.js';
import { provideImage } from '../../containerizer/image/provide.js';
import { Foreground } from '../foreground.js';
import { containerOptions, declareRunFlags } from '../run-flags/index.js';
import type { Context, Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Run a command in a new container',
  example: 'berth run --rm oci:./debian:bookworm cat /etc/os-release',
  declare(command) {
    command
      .argument('<image>', 'oci:DIR[:TAG], or a name from berth image ls')
      .argument('[command...]', "instead of the image's own")
      .option('-d, --detach', 'print the id and leave it running')
      .passThroughOptions();
    declareRunFlags(command);
  },
  async run(context, [reference = '', ...command], flags) {
    const options = await containerOptions(flags, command);
    const { imageProgress } = await import('../image-progress.js');
    const image = await provideImage(context.roots, reference, { onProgress: imageProgress(context) });
    try {
      if (flags.detach !== true)
        return await runInForeground(context, image, options, flags as unknown as Flags);
      const container = await launchContainer(context.roots, {
        image,
        options,
        client: null,
        onWarning: warn(context),
      });
      container.release();
      try {
        announce(context, container, options);
      } catch (error) {
        // What nobody was told of is nobody's.
        await removeContainer(context.roots, findContainer(context.roots, container.id), { force: true });
        throw error;
      }
      return 0;
    } finally {
      sweepCgroups(context.roots);
    }
  },
};

interface Flags {
  sigProxy: boolean;
  detachKeys: string;
}

const warn = (context: Context) => (text: string) => context.note(`berth: ${text}`);

async function runInForeground(
  context: Context,
  image: LaunchImage,
  options: ContainerOptions,
  { sigProxy, detachKeys }: Flags,
): Promise<number> {
  const { terminal, input } = options;
  const foreground = new Foreground({ terminal, input, signals: sigProxy, detachKeys });
  const client = foreground.client();
  foreground.begin();
  try {
    const container = await launchContainer(context.roots, {
      image,
      options,
      client,
      onWarning: warn(context),
    });
    return await foreground.follow(container, (exit) =>
      exit.oom_killed ? `container ${container.id}: ${reasonOf(exit)}` : undefined,
    );
  } finally {
    foreground.end();
  }
}

function announce(
  { json, out }: Context,
  { id, pid }: RunningContainer,
  { name = id }: ContainerOptions,
): void {
  out(json ? `${JSON.stringify({ id, name, pid })}\n` : `${id}\n`);
}
