import { type Dirent, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';
import { containerIds, listContainers } from '../container/catalogue.js';
import { cgroupDirectories, cgroupPlaces } from '../container/cgroup-places.js';
import { findDebris, removeDebris } from '../container/debris.js';
import { settle } from '../container/settle.js';
import { sweepShared } from '../container/shared-sweep.js';
import { mountedLayers } from '../image/idle-layers.js';
import { deadSockets } from '../pod/neighbour-sockets.js';
import type { Leak } from './leak.js';

/** Containers whose supervisor was killed: nobody has recorded their end. */
export function lostContainers(roots: Roots): Leak[] {
  return listContainers(roots, () => {})
    .filter(({ state }) => state === 'lost')
    .map((container) => ({
      kind: 'container',
      name: container.document.name,
      detail: 'its supervisor was killed; its end is recorded',
      heal: () => settle(roots, container).state !== 'lost',
    }));
}

/** What launchers and removers left that were killed. For who knows that no container is on its way. */
export function remains(roots: Roots): Leak[] {
  const { ids, names } = findDebris(roots);
  const heal = () => removeDebris(roots);
  return [
    ...ids.map((name): Leak => ({ kind: 'folder', name, detail: 'a launch that was cut off', heal })),
    ...names.map((name): Leak => ({ kind: 'name', name, detail: 'it leads to no container', heal })),
    ...trash(roots),
    ...deadSockets(roots).map(
      (name): Leak => ({ kind: 'socket', name, detail: 'its pod has ended', heal: () => remove(name) }),
    ),
  ];
}

/** A remover that is at it takes moments. */
const trashPatience = 60_000;

/** What is being removed, or was when its remover was killed. Several may remove it at once (`TrashRemoval`). */
export function trashFolders(roots: Roots): string[] {
  const running = places.running(roots);
  return [
    ...entries(places.trash(roots)).map(({ name }) => path.join(places.trash(roots), name)),
    ...entries(running).flatMap(({ name }) => (name.startsWith('.trash-') ? [path.join(running, name)] : [])),
  ];
}

function trash(roots: Roots): Leak[] {
  return trashFolders(roots)
    .filter(
      (folder) =>
        Date.now() - (statSync(folder, { throwIfNoEntry: false })?.ctimeMs ?? Date.now()) > trashPatience,
    )
    .map((folder) => ({
      kind: 'trash',
      name: folder,
      detail: 'a removal that was cut off',
      heal: () => remove(folder),
    }));
}

function remove(place: string): boolean {
  rmSync(place, { recursive: true, force: true });
  return true;
}

/** Cgroups of this installation whose container is gone, and those that its containers share once there is none. What is still in use stays. */
export function idleCgroups(roots: Roots): Leak[] {
  const known = new Set(containerIds(roots));
  const places = cgroupPlaces(roots, 'any');
  const shared = cgroupDirectories(places).map((place) => path.dirname(place));
  const orphans = shared.flatMap((directory) =>
    entries(directory)
      .filter((entry) => entry.isDirectory() && !known.has(entry.name))
      .map(({ name }) => path.join(directory, name))
      .filter((cgroup) => cgroup !== places.supervisors),
  );
  const idle =
    known.size > 0 ? orphans : [...orphans, ...shared.filter((directory) => existsSync(directory))];
  return idle.map((cgroup) => ({
    kind: 'cgroup',
    name: cgroup,
    detail: orphans.includes(cgroup) ? 'its container is gone' : 'no container is left',
    heal: () => {
      sweepShared(roots);
      return !existsSync(cgroup);
    },
  }));
}

/** What is mounted of layers while no container runs. */
export function idleLayers(roots: Roots): Leak[] {
  if (listContainers(roots, () => {}).some(({ state }) => state === 'running')) return [];
  return mountedLayers(roots).map((layer) => ({
    kind: 'layer',
    name: layer,
    detail: 'it is mounted, and no container runs',
    heal: () => {
      sweepShared(roots);
      return !mountedLayers(roots).includes(layer);
    },
  }));
}

function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
