import { accessSync, constants, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../errors/berth-error.js';
import type { Roots } from './roots.js';

/** Refuses roots that are no folders; those that are not there yet are made by whoever needs them. */
export function requireFolders(roots: Roots): Roots {
  for (const member of ['root', 'state'] as const) {
    const place = nearest(roots[member]);
    if (place?.stats.isDirectory() === false)
      throw new BerthError('USAGE', {
        what: `--${member} ${roots[member]}`,
        why: place.file === roots[member] ? 'it is no folder' : `${place.file} is no folder`,
        mend: `State is kept in a folder: choose another with --${member} or BERTH_${member.toUpperCase()}.`,
      });
  }
  return roots;
}

/**
 * Why something could not be made in its folder, in words; undefined: this tells nothing more than the error does. Node says ENOENT of a folder with others on
 * its way that it cannot make, whatever kept it.
 */
export function folderTrouble(
  what: string,
  error: Error & { code?: string; syscall?: string; path?: string },
): BerthError | undefined {
  const { code = '', syscall, path: wanted } = error;
  const mayBe = ['EROFS', 'ENOTDIR', 'EEXIST'].includes(code) || (code === 'ENOENT' && syscall === 'mkdir');
  if (!mayBe || wanted === undefined) return undefined;
  const place = nearest(path.resolve(wanted));
  if (place === undefined) return undefined;
  if (!place.stats.isDirectory() && (code !== 'EEXIST' || syscall === 'mkdir'))
    return new BerthError('STATE_DAMAGED', {
      what,
      why: `${place.file} is no folder`,
      mend: 'Move it away.',
      cause: error,
    });
  if (!isReadOnly(place.file)) return undefined;
  return new BerthError('READ_ONLY', {
    what,
    why: `${place.file} is on a read-only file system`,
    mend: 'Mount it for writing, or keep state elsewhere: --root and --state.',
    cause: error,
  });
}

/** The file itself, or else the first on its way upward that is there; undefined: nobody lets us look. */
function nearest(file: string): { file: string; stats: Stats } | undefined {
  try {
    return { file, stats: statSync(file) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? nearest(path.dirname(file)) : undefined;
  }
}

function isReadOnly(file: string): boolean {
  try {
    accessSync(file, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
}
