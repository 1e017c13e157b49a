import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import type { AppcApp } from '../../appc-spec/image-manifest.js';
import type { PodApp, PodVolume } from '../../appc-spec/pod-manifest.js';
import type { ContainerOptions } from '../container/options.js';
import { normalPlace, whyNoPlace } from '../volume/place.js';
import { invalidPod } from './trouble.js';

/** A volume at a place of one app. */
export interface AppMount {
  /** What the manifest calls it. */
  stated: { volume: string; path: string };
  volume: PodVolume;
  target: string;
  readonly: boolean;
}

/**
 * What one app is to see of the pod's volumes: the mounts that the pod states, then each mount point of the app that none of them is at, with the volume of its name, or an
 * empty one of its own (pods.md; ace.md, "Volume Setup").
 */
export function appMounts(
  { name, mounts: stated = [] }: PodApp,
  { mountPoints = [] }: AppcApp,
  volumes: ReadonlyMap<string, PodVolume>,
): AppMount[] {
  const what = `app ${name}`;
  const points = mountPoints.map((point) => ({ ...point, target: placeOf(point.path, what) }));
  const readOnlyAt = (target: string) =>
    points.some((point) => point.target === target && point.readOnly === true);
  const mounted = (volume: PodVolume, place: string, as: string): AppMount => {
    const target = placeOf(place, what);
    return {
      stated: { volume: as, path: place },
      volume,
      target,
      readonly: volume.readOnly || readOnlyAt(target),
    };
  };
  const found = stated.map(({ volume, path: place, appVolume }) => {
    const meant = appVolume ?? volumes.get(volume);
    if (meant === undefined) throw invalidPod(what, `the pod has no volume ${volume} for ${place}`);
    return mounted(meant, place, volume);
  });
  const open = points.filter(({ target }) => !found.some((each) => each.target === target));
  const all = [
    ...found,
    ...open.map(({ name: point, path: place }) => {
      const meant = volumes.get(point) ?? emptyVolume(ownName(name, point, volumes));
      return mounted(meant, place, meant.name);
    }),
  ];
  refuseOverlap(all, what);
  return all;
}

function emptyVolume(name: string): PodVolume {
  return { kind: 'empty', name, readOnly: false, mode: 0o755, uid: 0, gid: 0 };
}

/** A name that no volume of the pod has. */
function ownName(app: string, point: string, volumes: ReadonlyMap<string, PodVolume>): string {
  const name = `${app}-${point}`;
  return volumes.has(name) ? ownName(name, point, volumes) : name;
}

function placeOf(place: string, what: string): string {
  const target = normalPlace(place.startsWith('/') ? place : `/${place}`);
  const why = whyNoPlace(target);
  if (why !== undefined) throw invalidPod(what, `there can be no volume at ${place}`);
  return target;
}

/** ace.md: "If multiple targets have overlapping target paths […] the ACE SHOULD consider this an error." */
function refuseOverlap(mounts: readonly AppMount[], what: string): void {
  const targets = mounts.map(({ target }) => target).sort();
  for (const [i, target] of targets.entries()) {
    const within = targets.slice(i + 1).find((other) => other === target || other.startsWith(`${target}/`));
    if (within !== undefined)
      throw invalidPod(what, `its volumes at ${target} and ${within} lie one in the other`);
  }
}

/** ace.md: a source that is missing, or whose path has a symbolic link in it, is an error. That it stays so is seen to again when it is mounted. */
export function checkSource({ name, ...volume }: PodVolume): void {
  if (volume.kind !== 'host') return;
  const what = `volume ${name}`;
  const source = path.normalize(volume.source).replace(/(?<=.)\/$/, '');
  if (statSync(source, { throwIfNoEntry: false }) === undefined)
    throw invalidPod(what, `there is no ${source}`, 'berth makes no folders on the host: make it first.');
  const real = realpathSync(source);
  if (real !== source)
    throw invalidPod(what, `${source} has a symbolic link in it, to ${real}`, `Name ${real} itself.`);
}

/** As options of the app's container; `storeName` says what the store calls an empty volume. */
export function mountOptions(
  mounts: readonly AppMount[],
  storeName: (volume: PodVolume) => string,
): Pick<ContainerOptions, 'volumes' | 'namedVolumes'> {
  return {
    volumes: mounts.flatMap(({ volume, target, readonly }) =>
      volume.kind === 'host'
        ? [
            {
              source: path.normalize(volume.source),
              target,
              readonly,
              recursive: volume.recursive,
              idmap: true,
              plain: true,
            },
          ]
        : [],
    ),
    namedVolumes: mounts.flatMap(({ volume, target, readonly }) =>
      volume.kind === 'empty' ? [{ name: storeName(volume), target, readonly, copy: false }] : [],
    ),
  };
}
