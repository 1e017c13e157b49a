import { readdirSync, rmSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { places, type Roots } from '../../state/roots.js';
import { containerIds, namesOnRecord, readOrTell } from './catalogue.js';
import { cgroupPlaces } from './cgroup-places.js';
import { removeFolders } from './folders.js';
import { whileNobodyLaunches } from './launch-lock.js';
import { holderOf, nameLink, namesOf } from './name-links.js';
import { removeCgroups } from './settle.js';

/** What launchers left that were killed before their container was recorded. */
export interface Debris {
  /** Folders without a record. */
  ids: string[];
  /** Names without a container, or that theirs does not have any more. */
  names: string[];
}

/** For who knows that no container is on its way. */
export function findDebris(roots: Roots): Debris {
  const all = containerIds(roots);
  const called = new Map<string, string | undefined>();
  const ids = all.filter((id) => {
    let damaged = false;
    const onDamaged = (_: BerthError) => {
      damaged = true;
    };
    called.set(id, readOrTell(roots, id, onDamaged)?.document.name);
    return called.get(id) === undefined && !damaged;
  });
  const names = namesIn(places.names(roots)).filter((name) => {
    const id = holderOf(roots, name) ?? '';
    return !called.has(id) || (called.get(id) !== name && !mayBeCalled(roots, id, name));
  });
  return { ids, names };
}

/** Whoever renames a container and is killed leaves it two names, of which one of its records has at least one. */
function mayBeCalled(roots: Roots, id: string, name: string): boolean {
  try {
    const names = namesOnRecord(roots, id);
    return names.length === 0 || names.includes(name);
  } catch (error) {
    if (error instanceof BerthError) return true;
    throw error;
  }
}

/** Removes it. False: containers are on their way, and nothing was done. */
export function removeDebris(roots: Roots): boolean {
  return whileNobodyLaunches(roots, () => {
    const { ids, names } = findDebris(roots);
    for (const id of ids) {
      removeCgroups({ document: { cgroup_places: cgroupPlaces(roots, id) } });
      const [name = id] = namesOf(roots, id);
      removeFolders(roots, { id, name });
    }
    for (const name of names) rmSync(nameLink(roots, name), { force: true });
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
