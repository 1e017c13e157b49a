import { getSystemErrorName } from 'node:util';
import { BerthError } from '../../errors/berth-error.js';
import type { ErrorCode } from '../../errors/table.js';
import type { CopyFailure } from '../../native/index.js';
import type { CopySide } from './copy-paths.js';

interface Copy {
  from: CopySide;
  to: CopySide;
  container: string;
}

interface Explanation {
  code: ErrorCode;
  why: string;
  mend?: string;
}

/** Turns a copy that failed into an error for a person. */
export function copyFailure(failure: CopyFailure | undefined, copy: Copy): BerthError {
  if (failure === undefined) {
    return new BerthError('INTERNAL', { what: 'cp', why: 'the program that copies ended without a word' });
  }
  const side = failure.side === 'source' ? copy.from : copy.to;
  const { code, why, mend } = explain(failure, copy);
  return new BerthError(code, {
    what: `cp: ${spelt(side)}${inArchive(failure, side)}`,
    why,
    ...(mend === undefined ? {} : { mend }),
  });
}

function spelt(side: CopySide): string {
  if (side.kind === 'stream') return 'stream';
  return side.kind === 'host' ? side.path : `${side.container}:${side.path}`;
}

/** Where in what is copied, unless it is the path itself. */
function inArchive({ path }: CopyFailure, side: CopySide): string {
  const same = side.kind !== 'stream' && (!path.includes('/') || path.startsWith('/'));
  return path === '' || same ? '' : `: '${path}'`;
}

const refused: Record<string, ErrorCode> = {
  NO_FOLDER: 'PATH_NOT_FOUND',
  NO_FILE: 'PATH_REFUSED',
  FILE_IN_THE_WAY: 'PATH_REFUSED',
  FOLDER_IN_THE_WAY: 'PATH_REFUSED',
  MOUNTED_THERE: 'PATH_REFUSED',
};

function explain(failure: CopyFailure, copy: Copy): Explanation {
  if (failure.code !== '') {
    const code = refused[failure.code] ?? 'PATH_REFUSED';
    if (failure.code !== 'BAD_TAR') return { code, why: failure.reason };
    return { code, why: failure.reason, mend: 'A stream is a plain tar archive, not a compressed one.' };
  }
  const name = getSystemErrorName(-failure.errno);
  switch (name) {
    case 'ESRCH':
      return {
        code: 'CONTAINER_STATE',
        why: `container ${copy.container} has ended meanwhile`,
        mend: 'Try again.',
      };
    case 'ENOENT':
      return { code: 'PATH_NOT_FOUND', why: 'it is not there' };
    case 'EACCES':
    case 'EPERM':
      return { code: 'PATH_REFUSED', why: 'not even root of the container may do that there' };
    case 'ENOTDIR':
      return { code: 'PATH_REFUSED', why: 'it is not a folder' };
    case 'EROFS':
      return {
        code: 'READ_ONLY',
        why: 'what is there is read-only, also for the container',
        mend: 'Copy into a volume or a tmpfs of the container that is not.',
      };
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return {
        code: 'NO_SPACE',
        why: 'no space is left for it',
        mend: 'Free space there. The file that did not fit was not kept.',
      };
    case 'ELOOP':
      return {
        code: 'PATH_REFUSED',
        why: 'a link on the way leads round in a circle, or out of what may be written to',
      };
    case 'EINVAL':
      if (/chown/.test(failure.syscall))
        return {
          code: 'PATH_REFUSED',
          why: 'its owner has no place among the ids of the container',
          mend: 'Leave -a away: it is then given to root.',
        };
      break;
    case 'EPIPE':
      return { code: 'OUTPUT_LOST', why: 'whoever was to read it has gone' };
    case 'EINTR':
      return { code: 'PATH_REFUSED', why: 'the copy was ended before it was done' };
  }
  return { code: 'PATH_REFUSED', why: `${name}, ${failure.syscall}` };
}
