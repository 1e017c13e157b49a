import { Option } from 'commander';
import { sweepShared } from '../../containerizer/container/shared-sweep.js';
import { launchPod, type RunningPod } from '../../containerizer/pod/launch-pod.js';
import { changedPod, podOfImages } from '../../containerizer/pod/make-manifest.js';
import { type PodRequest, planPod } from '../../containerizer/pod/plan-pod.js';
import { readPodManifest } from '../../containerizer/pod/read-manifest.js';
import { removePod } from '../../containerizer/pod/remove-pod.js';
import { Foreground } from '../foreground.js';
import { imageProgress } from '../image-progress.js';
import { insecure, insecureFlag, policyFlag } from '../insecure-options.js';
import { podPort, podVolume } from '../pod-flags.js';
import { declareRegistryFlags, registryOptions } from '../registry-flags.js';
import { usageError } from '../report.js';
import { repeatable } from '../run-flags/group.js';
import type { Context, Verb } from '../verb.js';
import { reasonToTell } from './run.js';

interface Flags {
  image?: string[];
  name?: string;
  hostname?: string;
  network?: string;
  volume?: ReturnType<typeof podVolume>[];
  port?: ReturnType<typeof podPort>[];
  pull: 'always' | 'missing' | 'never';
  rm?: true;
  detach?: true;
}

export const verb: Verb = {
  summary: 'Run the apps of a pod manifest together',
  example: 'berth pod run --rm --volume db,kind=empty --image ./main.aci --image ./sidekick.aci',
  declare(command) {
    command
      .argument('[manifest]', 'a file with a PodManifest (App Container specification 0.8.11); -: stdin')
      .option(
        '--image <image>',
        'in place of a manifest: an App Container Image, one app each (repeatable)',
        repeatable(String),
      )
      .option('--name <name>', 'what the pod is called; by default the beginning of its uuid')
      .option('--hostname <name>', 'the host name that its apps share')
      .option('--network <network>', 'none, host, bridge or a name (default: none, with ports bridge)')
      .option(
        '--volume <volume>',
        'NAME,kind=host,source=DIR[,readOnly=true][,recursive=false] or NAME,kind=empty[,mode=0755][,uid=0][,gid=0]: in the place of a volume of that name (repeatable)',
        repeatable(podVolume),
      )
      .option(
        '-p, --port <port>',
        'NAME:[IP:]PORT: that port of the host leads to the port of that name of an app (repeatable)',
        repeatable(podPort),
      )
      .addOption(
        new Option('--pull <when>', 'always, missing or never: when images are asked for elsewhere')
          .choices(['always', 'missing', 'never'])
          .default('missing'),
      )
      .addOption(insecureFlag())
      .addOption(policyFlag())
      .option('--rm', 'nothing of it stays once it has ended')
      .option('-d, --detach', 'print its uuid and leave it running');
    declareRegistryFlags(command);
  },
  async run(context, [file], given) {
    const flags = given as unknown as Flags;
    const { roots } = context;
    const warn = (text: string) => context.note(`berth: ${text}`);
    const request: PodRequest = {
      ...registryOptions(context, given),
      ...insecure(given),
      onProgress: imageProgress(context),
      pull: flags.pull,
      name: flags.name,
      hostname: flags.hostname,
      network: flags.network,
      remove: flags.rm === true,
      onWarning: warn,
    };
    if ((file === undefined) === (flags.image === undefined))
      throw usageError('pod run', 'it takes either a manifest or --image', 'See berth pod run --help.');
    const pod =
      file === undefined ? await podOfImages(roots, flags.image ?? [], request) : readPodManifest(file);
    const change = { volumes: flags.volume ?? [], ports: flags.port ?? [] };
    const plan = await planPod(roots, changedPod(pod, change), request);
    try {
      if (flags.detach !== true)
        return await inForeground((client) => launchPod(roots, plan, client, warn), warn);
      const running = await launchPod(roots, plan, null, warn);
      running.release();
      await announce(context, running);
      return 0;
    } finally {
      sweepShared(roots);
    }
  },
};

async function inForeground(
  launch: (client: ReturnType<Foreground['client']>) => Promise<RunningPod>,
  warn: (text: string) => void,
): Promise<number> {
  const foreground = new Foreground({ terminal: false, input: false, signals: true, detachKeys: '' });
  foreground.begin();
  try {
    const pod = await launch(foreground.client());
    for (const { container } of pod.apps)
      container.ended.then(
        (exit) => {
          const reason = reasonToTell(container.id, exit);
          if (reason !== undefined) warn(reason);
        },
        () => {},
      );
    return await foreground.follow({ ...pod, resize: () => {} });
  } finally {
    foreground.end();
  }
}

/** One that nobody could be told of is nobody's. */
async function announce({ roots, json, out }: Context, { uuid, name }: RunningPod): Promise<void> {
  try {
    out(json ? `${JSON.stringify({ uuid, name })}\n` : `${uuid}\n`);
  } catch (error) {
    await removePod(roots, uuid, { force: true });
    throw error;
  }
}
