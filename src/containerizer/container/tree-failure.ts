import { BerthError } from '../../errors/berth-error.js';
import { isNativeError } from '../../native/index.js';

/** Turns a failure of walking or writing a container's file system into one for a person. */
export function treeFailure(error: unknown, what: string): unknown {
  if (!isNativeError(error)) return error;
  const entry = error.path === undefined ? '' : `'${error.path}': `;
  if (error.code === 'BAD_NAME' || error.code === 'LIMIT_EXCEEDED') {
    return new BerthError('IMAGE_INVALID', {
      what,
      why: `${entry}${error.reason ?? error.code}`,
      mend: 'Rename or remove it in the container.',
      cause: error,
    });
  }
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT' || error.code === 'EFBIG') {
    return new BerthError('NO_SPACE', {
      what,
      why: 'no space is left where its files are written to',
      mend: 'Free space on the disk, or write elsewhere. Nothing was kept.',
      cause: error,
    });
  }
  return error;
}
