import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { places, type Roots } from '../../state/roots.js';
import { holderOf, nameLink } from './name-links.js';

/** Twelve hexadecimal digits, as container users know them. Never all digits: such an id could be taken for a pid. */
export function newId(): string {
  for (;;) {
    // What differs from one to the next of a version 4 (RFC 9562), which Node draws many of at once: its first 48 bits.
    const id = randomUUID().replace('-', '').slice(0, 12);
    if (/[a-f]/.test(id)) return id;
  }
}

export const isId = (text: string) => /^[0-9a-f]{12}$/.test(text);

const nameForm = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;

/** Takes a name for a container: a symbolic link to its id, which only one can make. False: another has it. `what`: how the caller wrote it. */
export function claimName(roots: Roots, name: string, id: string, what = `--name ${name}`): boolean {
  if (!nameForm.test(name)) {
    throw new BerthError('USAGE', {
      what,
      why: 'a name has 1 to 63 letters, digits, dots, dashes and underscores, and starts with a letter or digit',
    });
  }
  mkdirSync(places.names(roots), { recursive: true, mode: 0o700 });
  try {
    symlinkSync(id, nameLink(roots, name));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return holderOf(roots, name) === id;
    throw error;
  }
}

export function nameInUse(roots: Roots, name: string): BerthError {
  const holder = holderOf(roots, name);
  return new BerthError('NAME_IN_USE', {
    what: `container name ${name}`,
    why: holder === undefined ? 'another container has just taken it' : `container ${holder} has it`,
    mend: `Choose another, or remove that one: berth rm ${name}.`,
  });
}

/** Gives the name back, if it is that container's. */
export function releaseName(roots: Roots, name: string, id: string): void {
  if (holderOf(roots, name) === id) rmSync(nameLink(roots, name), { force: true });
}
