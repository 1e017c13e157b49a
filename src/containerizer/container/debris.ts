import { readdirSync, rmSync } from 'node:fs';
import type { BerthError } from '../../errors/berth-error.js';
import { places, type Roots } from '../../state/roots.js';
import { containerIds, readOrTell } from './catalogue.js';
import { cgroupPlaces } from './cgroup-places.js';
import { removeFolders } from './folders.js';
import { whileNobodyLaunches } from './launch-lock.js';
import { holderOf, nameLink, namesOf } from './name-links.js';
import { removeCgroups } from './settle.js';

/**
 * Removes what launchers left that were killed before their container was recorded: folders without a record, names without a container. False:
 * containers are on their way, and nothing was done.
 */
export function removeDebris(roots: Roots): boolean {
  return whileNobodyLaunches(roots, () => {
    for (const id of containerIds(roots)) {
      let damaged = false;
      const onDamaged = (_: BerthError) => {
        damaged = true;
      };
      if (readOrTell(roots, id, onDamaged) !== undefined || damaged) continue;
      removeCgroups({ document: { cgroup_places: cgroupPlaces(roots, id) } });
      const [name = id] = namesOf(roots, id);
      removeFolders(roots, { id, name });
    }
    const known = new Set(containerIds(roots));
    for (const name of namesIn(places.names(roots))) {
      if (!known.has(holderOf(roots, name) ?? '')) rmSync(nameLink(roots, name), { force: true });
    }
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
