import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { type IdRangeClaim, isNativeError, native } from '../../native/index.js';
import { hostClaims } from '../../state/roots.js';
import { containerIds, parseSubordinateIds } from '../host/id-range.js';

/** Claims a range of host ids for one container, from what /etc/subuid gives `berth`, else from the documented range. */
export function claimIds(): IdRangeClaim {
  const ranges = idRanges();
  mkdirSync(hostClaims, { recursive: true, mode: 0o700 });
  try {
    return native().claimIdRange({ file: path.join(hostClaims, 'ids'), ...ranges });
  } catch (error) {
    if (!isNativeError(error) || error.code !== 'ENOSPC') throw error;
    throw new BerthError('HOST_LACKS', {
      what: 'id range',
      why: `all ${ranges.count} ranges of ${ranges.size} ids are in use`,
      mend: 'Give berth more: a line berth:FIRST:COUNT in /etc/subuid and /etc/subgid.',
      cause: error,
    });
  }
}

function idRanges(): { first: number; size: number; count: number } {
  const own = parseSubordinateIds(readIfThere('/etc/subuid')).find(
    ({ owner, length }) => owner === 'berth' && length >= containerIds.size,
  );
  if (own === undefined) return containerIds;
  return { first: own.first, size: containerIds.size, count: Math.floor(own.length / containerIds.size) };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
