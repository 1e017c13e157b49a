import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';
import type { ContainerDocument } from './document.js';

/**
 * Says that somebody besides a container's own processes is about to get hold of its files, and may hold them when it has ended: a container that shares its
 * namespaces, a copy, an export. Its directories are then left to no other container: a supervisor leaves them only while there is nothing beside them
 * (native/sys/spare_folders.h). To be called first, and to be followed by a look whether the container still runs.
 */
export function markReached(roots: Roots, { id, remove }: Pick<ContainerDocument, 'id' | 'remove'>): void {
  if (!remove) return;
  try {
    closeSync(openSync(path.join(places.container(roots, id), 'reached'), 'w', 0o600));
  } catch (error) {
    // It has just gone, which whoever called finds out.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
