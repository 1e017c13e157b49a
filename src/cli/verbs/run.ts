import { constants } from 'node:os';
import { findContainer } from '../../containerizer/container/catalogue.js';
import { sweepCgroups } from '../../containerizer/container/cgroup-sweep.js';
import { launchContainer, type RunningContainer } from '../../containerizer/container/launch.js';
import { reasonOf } from '../../containerizer/container/oom.js';
import type { ContainerOptions } from '../../containerizer/container/options.js';
import { removeContainer } from '../../containerizer/container/remove.js';
import { provideImage } from '../../containerizer/image/provide.js';
import { containerOptions, declareRunFlags } from '../run-flags/index.js';
import type { Context, Verb } from '../verb.js';

/** A terminal sends these to the whole foreground; a service manager sends them to this process. They are meant for the container. */
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;

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
    const detach = flags.detach === true;
    const signals = new ForwardedSignals();
    if (!detach) signals.collect();
    try {
      const client = detach ? null : { stdout: 1, stderr: 2 };
      const container = await launchContainer(context.roots, {
        image,
        options,
        client,
        onWarning: (text) => context.note(`berth: ${text}`),
      });
      if (!detach) return await followToEnd(context, container, signals);
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

function announce(
  { json, out }: Context,
  { id, pid }: RunningContainer,
  { name = id }: ContainerOptions,
): void {
  out(json ? `${JSON.stringify({ id, name, pid })}\n` : `${id}\n`);
}

/** The container writes to our stdout and stderr itself; what is left to do is to pass signals on and to end as it does. */
async function followToEnd(
  { note }: Context,
  container: RunningContainer,
  signals: ForwardedSignals,
): Promise<number> {
  signals.sendTo(container);
  const exit = await container.ended;
  await container.gone;
  if (exit.oom_killed) note(`berth: container ${container.id}: ${reasonOf(exit)}`);
  return exit.status;
}

/** Signals that come before there is a container to get them are kept for it. */
class ForwardedSignals {
  readonly #early: number[] = [];
  #send = (number: number): void => void this.#early.push(number);

  collect(): void {
    for (const name of forwarded) process.on(name, () => this.#send(constants.signals[name]));
  }

  sendTo(container: RunningContainer): void {
    this.#send = (number) => container.signal(number);
    for (const number of this.#early.splice(0)) container.signal(number);
  }
}
