import { BerthError } from '../../errors/berth-error.js';
import type { ErrorCode } from '../../errors/table.js';
import { isNativeError } from '../../native/index.js';

const codes: Record<string, ErrorCode> = {
  BAD_BLOB: 'IMAGE_INVALID',
  BAD_COMPRESSION: 'IMAGE_INVALID',
  BAD_NAME: 'IMAGE_INVALID',
  BAD_TAR: 'IMAGE_INVALID',
  ID_OUT_OF_RANGE: 'IMAGE_INVALID',
  DIGEST_MISMATCH: 'IMAGE_CORRUPT',
  SIZE_MISMATCH: 'IMAGE_CORRUPT',
  DIFF_ID_MISMATCH: 'IMAGE_CORRUPT',
  LIMIT_EXCEEDED: 'IMAGE_HOSTILE',
  ESCAPE_ATTEMPT: 'IMAGE_HOSTILE',
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EPERM: 'NOT_ROOT',
  EACCES: 'NOT_ROOT',
  ENAMETOOLONG: 'IMAGE_INVALID',
  EFBIG: 'NO_SPACE',
};

const mends: Partial<Record<ErrorCode, string>> = {
  IMAGE_CORRUPT: 'Fetch or build the image again: what is there is not what its descriptor says.',
  NO_SPACE: 'Free space on the disk, or use another --root. Nothing of the image was kept.',
  NOT_ROOT: 'Run it as root.',
};

/** Turns any failure of writing an image into one for a person; what is berth's own error already stays. */
export function unpackFailure(error: unknown, what: string, absent = 'its blob is missing'): BerthError {
  if (error instanceof BerthError) return error;
  const { code: word = '', syscall, path } = error as { code?: string; syscall?: string; path?: string };
  const missing = word === 'ENOENT' && isNativeError(error);
  const code = missing ? 'IMAGE_INVALID' : codes[word];
  if (code === undefined) throw error;
  const reason = isNativeError(error) ? error.reason : undefined;
  const entry = path === undefined || path === '' ? '' : `${isNativeError(error) ? 'entry ' : ''}'${path}': `;
  const why = missing ? absent : `${entry}${reason ?? plain(word, syscall)}`;
  const mend = mends[code];
  return new BerthError(code, { what, why, ...(mend === undefined ? {} : { mend }), cause: error });
}

function plain(word: string, syscall: string | undefined): string {
  if (word === 'ENOSPC') return 'no space is left on the disk';
  return syscall === undefined ? word : `${syscall} fails with ${word}`;
}
