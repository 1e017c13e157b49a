import { BerthError } from '../../errors/berth-error.js';
import type { ImageConfig } from '../../oci-spec/image.js';
import type { Roots } from '../../state/roots.js';
import { normalPlace, whyNoPlace } from '../volume/place.js';
import { createVolume, discardVolume, volumeData, volumeFolder } from '../volume/store.js';
import { findContainer } from './catalogue.js';
import type { ContainerDocument } from './document.js';
import type { ContainerOptions, Volume } from './options.js';

/** A volume of a container that is about to be. */
export interface PlannedVolume extends Volume {
  /** Of the store's; null: a folder or file of the host. */
  name: string | null;
  /** Made for this container alone. */
  anonymous: boolean;
  /** What the image has at the place is copied into it while it is empty. */
  copy: boolean;
}

/** All volumes that the options and the image ask for, none of which need be there yet. What the caller says of a place goes before what others say. */
export function planVolumes(
  roots: Roots,
  id: string,
  options: ContainerOptions,
  image: { reference: string; config: ImageConfig },
): PlannedVolume[] {
  let anonymous = 0;
  const own = (name: string | null, target: string, readonly: boolean, copy: boolean): PlannedVolume => {
    const called = name ?? `${id}-${++anonymous}`;
    const source = volumeData(roots, called);
    return {
      ...{ name: called, anonymous: name === null, source, target, readonly, copy },
      recursive: false,
      idmap: true,
    };
  };
  const asked = [
    ...options.volumes.map((volume) => ({ ...volume, name: null, anonymous: false, copy: false })),
    ...options.namedVolumes.map(({ name, target, readonly, copy }) => own(name, target, readonly, copy)),
  ];
  const taken = new Set([...asked, ...options.tmpfs].map(({ target }) => target));
  const free = ({ target }: { target: string }) => !taken.has(target) && Boolean(taken.add(target));
  const borrowed = options.volumesFrom
    .flatMap(({ container, readonly }) => volumesOf(roots, container, readonly))
    .filter(free);
  const images = Object.keys(image.config.config?.Volumes ?? {})
    .map((place) => ({ target: imagePlace(place, image.reference) }))
    .filter(free)
    .map(({ target }) => own(null, target, false, true));
  return [...asked, ...borrowed, ...images];
}

/** Makes those of the store's that are not there yet. Containers that launch say so first (`lockLaunch`), so that no volume goes before it is theirs. */
export function provideVolumes(roots: Roots, planned: readonly PlannedVolume[]): void {
  for (const { name, anonymous } of planned) if (name !== null) createVolume(roots, name, { anonymous });
}

/** Removes the volumes that were made for a container alone. */
export function discardAnonymous(
  roots: Roots,
  { id, volumes }: Pick<ContainerDocument, 'id' | 'volumes'>,
): void {
  for (const { name } of volumes) if (name?.startsWith(`${id}-`) === true) discardVolume(roots, name);
}

/** `launch.json`: the volumes that begin with what the image has at their place. */
export function volumesToFill(roots: Roots, planned: readonly PlannedVolume[]) {
  return planned.flatMap(({ name, target, copy }) =>
    name === null || !copy ? [] : [{ target, volume: volumeFolder(roots, name) }],
  );
}

function volumesOf(roots: Roots, container: string, readonly: boolean): PlannedVolume[] {
  const { document } = findContainer(roots, container);
  return document.volumes.map((volume) => {
    const { name = null, source, target, recursive = false, idmap = true } = volume;
    if (document.remove && name?.startsWith(`${document.id}-`) === true) {
      throw new BerthError('CONTAINER_STATE', {
        what: `--volumes-from ${container}`,
        why: `its volume at ${target} has no name and goes with it, since it was started with --rm`,
        mend: 'Give that volume a name, or start that container without --rm.',
      });
    }
    return {
      ...{ name, source, target, recursive, idmap },
      readonly: readonly || volume.readonly,
      anonymous: false,
      copy: false,
    };
  });
}

function imagePlace(place: string, reference: string): string {
  const normal = normalPlace(place);
  const why = whyNoPlace(normal);
  if (why === undefined) return normal;
  throw new BerthError('IMAGE_INVALID', {
    what: `image ${reference}`,
    why: `it declares a volume at ${place}, where there can be none`,
  });
}
