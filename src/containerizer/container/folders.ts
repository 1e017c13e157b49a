import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';
import type { ContainerDocument } from './document.js';
import { releaseName } from './names.js';

/**
 * Removes a container's name and folders. Renames first, so that a crash half-way leaves only trash, never half a container. Needs no free space. `gone` is called when
 * nothing is left but its volatile state; not `now`: nothing else was left before.
 */
export function removeFolders(
  roots: Roots,
  { id, name }: Pick<ContainerDocument, 'id' | 'name'>,
  gone: (now: boolean) => void = () => {},
): void {
  releaseName(roots, name, id);
  gone(discard(...durable(roots, id)));
  removeRunFolder(roots, id);
}

/** Makes a container be gone, and tells the folders of the trash that are to be removed: there are none of some that there was nothing of. */
export function throwAway(roots: Roots, { id, name }: Pick<ContainerDocument, 'id' | 'name'>): string[] {
  releaseName(roots, name, id);
  return [durable(roots, id), volatile(roots, id)].flatMap(([folder, trash]) =>
    move(folder, trash) ? [trash] : [],
  );
}

/** Removes what tells of its last run, or of a launch that did not come to one. */
export function removeRunFolder(roots: Roots, id: string): void {
  discard(...volatile(roots, id));
}

type Move = [folder: string, trash: string];

function durable(roots: Roots, id: string): Move {
  mkdirSync(places.trash(roots), { recursive: true, mode: 0o700 });
  return [places.container(roots, id), path.join(places.trash(roots), id)];
}

const volatile = (roots: Roots, id: string): Move => [
  places.run(roots, id),
  path.join(places.running(roots), `.trash-${id}`),
];

/** False: there was no such folder. */
function move(folder: string, trash: string): boolean {
  try {
    renameSync(folder, trash);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
}

/** False: there was no such folder. */
function discard(folder: string, trash: string): boolean {
  const found = move(folder, trash);
  // A supervisor whose launcher was killed may be about to write there: once the folder is gone it cannot.
  rmSync(trash, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 });
  return found;
}
