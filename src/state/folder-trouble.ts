import { accessSync, constants, type Stats, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../errors/berth-error.js';
import type { Roots } from './roots.js';

/** PROC_SUPER_MAGIC of statfs(2). */
const procfs = 0x9fa0;

/** Refuses roots that are no folders; those that are not there yet are made by whoever needs them. */
export function requireFolders(roots: Roots): Roots {
  for (const member of ['root', 'state'] as const) {
    const place = nearest(roots[member]);
    const why = place === undefined ? undefined : unfit(place, roots[member]);
    if (why !== undefined)
      throw new BerthError('USAGE', {
        what: `--${member} ${roots[member]}`,
        why,
        mend: `State is kept in a folder: choose another with --${member} or BERTH_${member.toUpperCase()}.`,
      });
  }
  return roots;
}

function unfit({ file, stats }: { file: string; stats: Stats }, wanted: string): string | undefined {
  if (!stats.isDirectory()) return file === wanted ? 'it is no folder' : `${file} is no folder`;
  // mkdir(2) answers ENOENT there although the folder above is there: Node's recursive one then tries for ever.
  return statfsSync(file).type === procfs ? `nothing can be made in ${file}` : undefined;
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
