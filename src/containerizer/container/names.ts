import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { FileLock } from '../../state/lock.js';
import { places, type Roots } from '../../state/roots.js';
import { readContainer } from './catalogue.js';
import { holderOf, nameLink } from './name-links.js';

/** Twelve hexadecimal digits, as container users know them. Never all digits: such an id could be taken for a pid. */
export function newId(): string {
  for (;;) {
    const id = randomBytes(6).toString('hex');
    if (/[a-f]/.test(id)) return id;
  }
}

const nameForm = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;

/**
 * Takes a name for a container: a symbolic link to its id, which only one can make. The lock says that the container is on its way: hold it until the
 * container's folders are there. A launcher that is killed in between leaves a name that is nobody's, and the next to want it takes it over.
 */
export async function claimName(roots: Roots, name: string, id: string): Promise<FileLock> {
  if (!nameForm.test(name)) {
    throw new BerthError('USAGE', {
      what: `--name ${name}`,
      why: 'a name has 1 to 63 letters, digits, dots, dashes and underscores, and starts with a letter or digit',
    });
  }
  mkdirSync(places.names(roots), { recursive: true, mode: 0o700 });
  const lockFile = `${places.names(roots)}.lock`;
  const link = nameLink(roots, name);
  for (let lastTry = false; ; lastTry = true) {
    const launching = await FileLock.take(lockFile, 'shared');
    if (tryLink(link, id)) return launching;
    launching.release();
    if (lastTry || !freeIfNobodys(roots, lockFile, name)) throw nameInUse(name, holderOf(roots, name));
  }
}

function tryLink(link: string, id: string): boolean {
  try {
    symlinkSync(id, link);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** While nobody else launches under a name, one that leads to no container leads to none that will be. */
function freeIfNobodys(roots: Roots, lockFile: string, name: string): boolean {
  const alone = FileLock.attempt(lockFile, 'exclusive');
  if (alone === undefined) return false;
  try {
    const holder = holderOf(roots, name);
    if (holder === undefined) return true;
    if (readContainer(roots, holder) !== undefined) return false;
    for (const folder of [places.run(roots, holder), places.container(roots, holder)])
      rmSync(folder, { recursive: true, force: true });
    unlinkSync(nameLink(roots, name));
    return true;
  } finally {
    alone.release();
  }
}

function nameInUse(name: string, holder: string | undefined): BerthError {
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
