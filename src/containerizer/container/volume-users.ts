import { mkdirSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';
import { type Filters, hasLabel, passes } from '../filters.js';
import {
  createVolume,
  discardVolume,
  findVolume,
  listVolumes,
  readVolume,
  removeVolumeDebris,
  type Volume,
} from '../volume/store.js';
import { listContainers } from './catalogue.js';
import type { ContainerDocument } from './document.js';
import { lockLaunch, whileNobodyLaunches } from './launch-lock.js';

/** A volume and the ids of the containers that have it, running or not. */
export interface UsedVolume extends Volume {
  usedBy: string[];
}

export function volumesWithUsers(roots: Roots): UsedVolume[] {
  const users = usersByVolume(roots);
  return listVolumes(roots).map((volume) => ({ ...volume, usedBy: users.get(volume.document.name) ?? [] }));
}

/** The keys that volumes are chosen by, with Docker's names; `dangling`, true or false (1 or 0): no container has it. */
export const volumeFilterKeys = ['name', 'label', 'dangling', 'driver'] as const;
export type VolumeFilters = Filters<(typeof volumeFilterKeys)[number]>;

/** All volumes that fit, by name. */
export function selectVolumes(roots: Roots, filters: VolumeFilters): UsedVolume[] {
  return volumesWithUsers(roots).filter(({ document: { name, labels }, usedBy }) =>
    passes(filters, (key, value) => {
      switch (key) {
        case 'name':
          return new RegExp(value).test(name);
        case 'label':
          return hasLabel(labels, value);
        case 'dangling':
          return (usedBy.length === 0) === (value === 'true' || value === '1');
        case 'driver':
          return value === 'local';
      }
    }),
  );
}

export function volumeWithUsers(roots: Roots, name: string): UsedVolume {
  return { ...findVolume(roots, name), usedBy: usersByVolume(roots).get(name) ?? [] };
}

/** Makes a volume; one that is there already is left as it is, as Docker does. */
export async function makeVolume(roots: Roots, name: string, labels: Record<string, string>): Promise<void> {
  // It may be the first thing that this root is asked for.
  mkdirSync(roots.root, { recursive: true, mode: 0o700 });
  const making = await lockLaunch(roots);
  try {
    createVolume(roots, name, { labels });
  } finally {
    making.release();
  }
}

/** Removes a volume that no container has. */
export function removeVolume(roots: Roots, name: string): void {
  const alone = whileNobodyLaunches(roots, () => {
    const { usedBy } = volumeWithUsers(roots, name);
    if (usedBy.length > 0) {
      throw new BerthError('VOLUME_IN_USE', {
        what: `volume ${name}`,
        why: `container ${usedBy.join(', ')} has it`,
        mend: `Remove the container first: berth rm ${usedBy.join(' ')}.`,
      });
    }
    discardVolume(roots, name);
    removeVolumeDebris(roots);
  });
  if (!alone) throw busy(`volume ${name}`);
}

/** Removes the volumes that were made for a container which is gone, but for those that others have taken over. */
export function removeAnonymous(
  roots: Roots,
  { id, volumes }: Pick<ContainerDocument, 'id' | 'volumes'>,
): void {
  const own = volumes
    .map(({ name }) => name)
    .filter((name) => typeof name === 'string')
    // Those of a container that was to be removed at its end have gone with it.
    .filter((name) => name.startsWith(`${id}-`) && readVolume(roots, name) !== undefined);
  if (own.length === 0) return;
  const alone = whileNobodyLaunches(roots, () => {
    const users = usersByVolume(roots);
    for (const name of own) if (!users.has(name)) discardVolume(roots, name);
    removeVolumeDebris(roots);
  });
  if (!alone) throw busy(`volume ${own[0]}`);
}

/** Removes the volumes that no container has: those without a name of their own, or all. Gives their names. */
export function pruneVolumes(roots: Roots, all: boolean): string[] {
  const removed: string[] = [];
  const alone = whileNobodyLaunches(roots, () => {
    for (const { document, usedBy } of volumesWithUsers(roots)) {
      if (usedBy.length > 0 || !(all || document.anonymous)) continue;
      discardVolume(roots, document.name);
      removed.push(document.name);
    }
    removeVolumeDebris(roots);
  });
  if (!alone) throw busy('volumes');
  return removed;
}

function busy(what: string): BerthError {
  return new BerthError('CONTAINER_STATE', {
    what,
    why: 'containers are being started, and might want them',
    mend: 'Try again in a moment.',
  });
}

/** A container whose records are damaged might have any: then nobody can say what is unused. */
function usersByVolume(roots: Roots): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const { document } of listContainers(roots)) {
    for (const { name } of document.volumes) {
      if (name !== undefined && name !== null) users.set(name, [...(users.get(name) ?? []), document.id]);
    }
  }
  return users;
}
