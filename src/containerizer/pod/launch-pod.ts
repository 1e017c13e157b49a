import { chmodSync, chownSync } from 'node:fs';
import type { PodVolume } from '../../appc-spec/pod-manifest.js';
import type { Roots } from '../../state/roots.js';
import type { ExitDocument } from '../container/document.js';
import { launchContainer, type RunningContainer, requireRoot } from '../container/launch.js';
import type { LaunchClient } from '../container/program.js';
import { volumeData } from '../volume/store.js';
import { mountOptions } from './app-mounts.js';
import { type Keeper, startKeeper } from './keeper.js';
import type { AppPlan, PodPlan } from './plan-pod.js';
import { removePod } from './remove-pod.js';

/** A pod whose apps run. It lives on when this process dies. */
export interface RunningPod {
  uuid: string;
  name: string;
  apps: { name: string; container: RunningContainer }[];
  keeper: RunningContainer;
  /** Resolves when all apps, and with them the pod, have ended: how the first of them did that did not end with 0, else the first. */
  ended: Promise<ExitDocument>;
  /** Resolves when nobody watches over any of it any more. */
  gone: Promise<void>;
  /** Meets the first process of every app. */
  signal(number: number): void;
  release(): void;
}

/** Starts all apps of a pod; rejects, with nothing left behind, when one of them cannot be started. */
export async function launchPod(
  roots: Roots,
  plan: PodPlan,
  client: LaunchClient | null,
  onWarning: (text: string) => void,
): Promise<RunningPod> {
  requireRoot();
  const keeper = await startKeeper(roots, plan, onWarning);
  const apps: RunningPod['apps'] = [];
  try {
    const storeName = (volume: PodVolume) => `${keeper.id}-${plan.emptyVolumes.indexOf(volume as never) + 1}`;
    for (const volume of plan.emptyVolumes) {
      const folder = volumeData(roots, storeName(volume));
      chownSync(folder, volume.uid, volume.gid);
      chmodSync(folder, volume.mode);
    }
    for (const app of plan.apps) {
      const options = { ...app.options, ...sharing(keeper, app), ...mountOptions(app.mounts, storeName) };
      const container = await launchContainer(roots, {
        image: app.image.image,
        options,
        client,
        onWarning: (text) => onWarning(`app ${app.name}: ${text}`),
      });
      apps.push({ name: app.name, container });
    }
    await keeper.go();
  } catch (error) {
    keeper.abandon();
    await Promise.all(
      [keeper.container, ...apps.map(({ container }) => container)].map(({ ended }) => ended),
    );
    if (!plan.remove) await removePod(roots, plan.uuid, { force: true });
    throw error;
  }
  return running(plan, apps, keeper.container);
}

/** pods.md: the apps share process ids, network, IPC and host name. */
function sharing({ id, metadataUrl }: Keeper, { options }: AppPlan) {
  const peer = { container: id };
  return {
    env: [...options.env, `AC_METADATA_URL=${metadataUrl}`],
    pid: peer,
    network: peer,
    ipc: peer,
    uts: peer,
  };
}

function running(plan: PodPlan, apps: RunningPod['apps'], keeper: RunningContainer): RunningPod {
  const containers = apps.map(({ container }) => container);
  const all = [...containers, keeper];
  const ended = Promise.all(all.map((each) => each.ended)).then((exits) => {
    const ofApps = exits.slice(0, containers.length);
    const first = ofApps.find(({ status }) => status !== 0) ?? ofApps[0];
    if (first === undefined) throw new RangeError('a pod has an app');
    return first;
  });
  return {
    uuid: plan.uuid,
    name: plan.name,
    apps,
    keeper,
    ended,
    gone: Promise.all(all.map((each) => each.gone)).then(() => {}),
    signal: (number) => {
      for (const container of containers) container.signal(number);
    },
    release: () => {
      for (const each of all) each.release();
    },
  };
}
