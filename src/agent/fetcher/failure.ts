import { BerthError } from '../../errors/berth-error.js';
import { isNativeError } from '../../native/index.js';

/** A file that a task asks for, and cannot have. */
export function fetchFailure(uri: string, why: string, cause?: unknown): BerthError {
  return new BerthError('FETCH_FAILED', {
    what: `URI ${shown(uri)}`,
    why,
    ...(cause !== undefined && { cause }),
  });
}

/** What the kernel or an archive is to blame for, in words. */
export function explain(uri: string, error: unknown): BerthError {
  if (error instanceof BerthError) return error;
  if (isNativeError(error)) {
    const where = error.path === undefined ? '' : `${error.path}: `;
    return fetchFailure(uri, `${where}${error.reason ?? error.message}`, error);
  }
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return fetchFailure(uri, 'the disk is full', error);
  return fetchFailure(uri, error instanceof Error ? error.message : String(error), error);
}

/** Without what is nobody's business. */
export function shown(uri: string): string {
  return uri.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1').slice(0, 200);
}
