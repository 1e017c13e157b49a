import { readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';

/** Where a container's name is kept: a symbolic link to its id. A name may be anything that a user types. */
export function nameLink(roots: Roots, name: string): string {
  return path.join(places.names(roots), path.basename(name));
}

/** The id that has the name; undefined: none. */
export function holderOf(roots: Roots, name: string): string | undefined {
  if (name === '' || name !== path.basename(name)) return undefined;
  try {
    return readlinkSync(nameLink(roots, name));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // EINVAL: `.` and `..`, which are no links.
    if (['ENOENT', 'ENAMETOOLONG', 'EINVAL'].includes(code)) return undefined;
    throw error;
  }
}

/** All names that lead to an id: one, or none. */
export function namesOf(roots: Roots, id: string): string[] {
  try {
    return readdirSync(places.names(roots)).filter((name) => holderOf(roots, name) === id);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
