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
import { LaunchTimer } from '../../containerizer/container/timings.js';
import { Foreground } from '../foreground.js';
import { providedImage } from '../run-flags/image.js';
import { containerOptions, declareRunFlags } from '../run-flags/index.js';
import type { Context, Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Run a command in a new container',
  example: 'berth run --rm oci:./debian:bookworm cat /etc/os-release',
  declare(command) {
    command
      .argument(
        '[image]',
        'a name or id from berth image ls, oci:DIR, oci-archive:FILE, docker-archive:FILE or dir:ROOTFS; none with --rootfs',
      )
      .argument('[command...]', "instead of the image's own")
      .option('-d, --detach', 'print the id and leave it running')
      .option('--timings', 'tell how long each step of the launch took')
      .passThroughOptions();
    declareRunFlags(command);
  },
  async run(context, words, flags) {
    const timer = flags.timings === true ? new LaunchTimer() : undefined;
    const { options, image } = await asked(context, words, flags);
    try {
      if (flags.detach !== true)
        return await runInForeground(context, image, options, flags as unknown as Flags, timer);
      const container = await launchContainer(context.roots, {
        image,
        options,
        client: null,
        onWarning: warn(context),
        ...(timer === undefined ? {} : { timer }),
      });
      container.release();
      tellTimings(context, timer);
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
  timer: LaunchTimer | undefined,
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
      ...(timer === undefined ? {} : { timer }),
    });
    tellTimings(context, timer);
    return await foreground.follow(container, (exit) =>
      exit.oom_killed ? `container ${container.id}: ${reasonOf(exit)}` : undefined,
    );
  } finally {
    foreground.end();
  }
}

/** What is wrong with a flag is told before an image is loaded; which words are the command's is known after. */
async function asked(context: Context, words: string[], flags: object) {
  const options = await containerOptions(flags, []);
  const { image, command } = await providedImage(context, words, flags);
  return { image, options: { ...options, command } };
}

function tellTimings(context: Context, timer: LaunchTimer | undefined): void {
  for (const { who, step, began, lasted } of timer?.steps() ?? [])
    context.note(
      `${began.toFixed(2).padStart(8)} ms  ${who.padEnd(10)} ${step.padEnd(12)} ${lasted.toFixed(2)} ms`,
    );
}

function announce(
  { json, out }: Context,
  { id, pid }: RunningContainer,
  { name = id }: ContainerOptions,
): void {
  out(json ? `${JSON.stringify({ id, name, pid })}\n` : `${id}\n`);
}
