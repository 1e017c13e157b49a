import { readContainer } from '../../containerizer/container/catalogue.js';
import type { ExitDocument } from '../../containerizer/container/document.js';
import {
  type LaunchRequest,
  launchContainer,
  type RunningContainer,
} from '../../containerizer/container/launch.js';
import { reasonOf } from '../../containerizer/container/oom.js';
import { removeContainer } from '../../containerizer/container/remove.js';
import { sweepShared } from '../../containerizer/container/shared-sweep.js';
import { LaunchTimer } from '../../containerizer/container/timings.js';
import { requireKeeper } from '../../containerizer/keeping/keeper-lock.js';
import { Foreground } from '../foreground.js';
import { recipeMaker, wordsBefore } from '../plain-run.js';
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
    // What is wrong with a flag is told before an image is loaded; which words are the command's is known after.
    const flagged = await containerOptions(flags, []);
    requireKeeper(context.roots, flagged);
    const maker = recipeMaker(context.roots, flags, context.argv, words[0]);
    const { image, command } = await providedImage(context, words, flags);
    const kept = wordsBefore(context.argv, command);
    const request = {
      image,
      options: { ...flagged, command },
      onWarning: (text: string) => {
        context.note(`berth: ${text}`);
        maker?.onWarning();
      },
      ...(maker === undefined ? {} : { onLaunched: maker.onLaunched }),
      ...(timer === undefined ? {} : { timer }),
    };
    try {
      if (flags.detach !== true)
        return await runInForeground(context, request, flags as unknown as Flags, () => maker?.keep(kept));
      const container = await launchContainer(context.roots, { ...request, client: null });
      container.release();
      tellTimings(context, timer);
      await announceOrRemove(context, container, flagged.name);
      maker?.keep(kept);
      return 0;
    } finally {
      sweepShared(context.roots);
    }
  },
};

interface Flags {
  sigProxy: boolean;
  detachKeys: string;
}

async function runInForeground(
  context: Context,
  request: Omit<LaunchRequest, 'client'>,
  { sigProxy, detachKeys }: Flags,
  whenItRuns: () => void,
): Promise<number> {
  const { terminal, input } = request.options;
  const foreground = new Foreground({ terminal, input, signals: sigProxy, detachKeys, others: true });
  const client = foreground.client();
  foreground.begin();
  try {
    const container = await launchContainer(context.roots, { ...request, client });
    tellTimings(context, request.timer);
    const status = foreground.follow(container, (exit) => reasonToTell(container.id, exit));
    whenItRuns();
    return await status;
  } finally {
    foreground.end();
  }
}

/** Undefined: its status says it all. */
export function reasonToTell(id: string, exit: ExitDocument): string | undefined {
  return exit.oom_killed ? `container ${id}: ${reasonOf(exit)}` : undefined;
}

function tellTimings(context: Context, timer: LaunchTimer | undefined): void {
  for (const { who, step, began, lasted } of timer?.steps() ?? [])
    context.note(
      `${began.toFixed(2).padStart(8)} ms  ${who.padEnd(10)} ${step.padEnd(12)} ${lasted.toFixed(2)} ms`,
    );
}

/** Says which container was left running; one that nobody could be told of is nobody's. */
export async function announceOrRemove(
  { roots, json, out }: Pick<Context, 'roots' | 'json' | 'out'>,
  { id, pid }: Pick<RunningContainer, 'id' | 'pid'>,
  name = id,
): Promise<void> {
  try {
    out(json ? `${JSON.stringify({ id, name, pid })}\n` : `${id}\n`);
  } catch (error) {
    const left = readContainer(roots, id);
    if (left !== undefined) await removeContainer(roots, left, { force: true });
    throw error;
  }
}
