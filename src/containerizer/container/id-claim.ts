import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { type IdRangeClaim, isNativeError, native } from '../../native/index.js';
import { hostClaims, type Roots } from '../../state/roots.js';
import { containerIds, parseSubordinateIds } from '../host/id-range.js';
import type { Container } from './catalogue.js';
import { markReached } from './reached.js';

/**
 * Claims a range of host ids for one container, from what /etc/subuid gives `berth`, else from the documented range. `layers`: what its root file system
 * will be of, so that it may get the ids of one that has left its own.
 */
export function claimIds(layers: readonly string[] = []): IdRangeClaim {
  const ranges = idRanges();
  try {
    return claimFrom({ ...ranges, layers: layers.map((layer) => `${layer}\n`).join('') });
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

function claimFrom(ranges: IdRanges & { layers: string }): IdRangeClaim {
  try {
    return native().claimIdRange(ranges);
  } catch (error) {
    if (!isNativeError(error) || error.code !== 'ENOENT') throw error;
    mkdirSync(hostClaims, { recursive: true, mode: 0o700 });
    return native().claimIdRange(ranges);
  }
}

/**
 * The ids of another container, for one that shares its user namespace: a copy of its claim, which its supervisor holds, so that the range is taken until
 * both have ended.
 */
export function borrowIds(roots: Roots, { document, process }: Container): IdRangeClaim {
  const { first_id } = document;
  const gone = (cause?: unknown) =>
    new BerthError('CONTAINER_STATE', {
      what: `container ${document.name}`,
      why: 'it has just ended',
      cause,
    });
  if (first_id === null || process === undefined) throw gone();
  try {
    markReached(roots, document);
    const { pid, start_time } = process.supervisor;
    return { first: first_id, fd: native().copyIdRangeClaim(pid, start_time) };
  } catch (error) {
    if (!isNativeError(error)) throw error;
    if (error.code === 'ESRCH' || error.code === 'EBADF') throw gone(error);
    throw new BerthError('HOST_LACKS', {
      what: `ids of container ${document.name}`,
      why: `they cannot be shared (${error.message})`,
      mend: 'It takes CAP_SYS_PTRACE.',
      cause: error,
    });
  }
}

interface IdRanges {
  file: string;
  first: number;
  size: number;
  count: number;
}

/** What is claimed from, and the file of the claims. */
export function idRanges(): IdRanges {
  const stamp = stampOf(subordinateIds);
  if (known?.stamp !== stamp) known = { stamp, ranges: readRanges() };
  return known.ranges;
}

let known: { stamp: string; ranges: IdRanges } | undefined;

/** Differs once another file is there, or another content. */
function stampOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  // Times to a quarter of a microsecond.
  return found === undefined
    ? ''
    : `${found.dev} ${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`;
}

function readRanges(): IdRanges {
  const file = path.join(hostClaims, 'ids');
  const own = parseSubordinateIds(readIfThere(subordinateIds)).find(
    ({ owner, length }) => owner === 'berth' && length >= containerIds.size,
  );
  if (own === undefined) return { file, ...containerIds };
  const count = Math.floor(own.length / containerIds.size);
  return { file, first: own.first, size: containerIds.size, count };
}

export const subordinateIds = '/etc/subuid';

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
