import { readFileSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { type Digest, digestPattern } from '../../oci-spec/digest.js';
import { constant, list, map, type Of, object, type Shape, ShapeError, text } from '../../oci-spec/shape.js';
import { discardTorn, writeWhole } from '../../state/atomic-file.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { appcRecordShape } from '../appc/record.js';
import { storePaths } from './store.js';

const digest = text({ pattern: digestPattern, expected: 'a sha256 digest' }) as Shape<Digest>;

const indexShape = object(
  {
    format: constant(1),
    images: map(
      object(
        { manifest_digest: digest, loaded_at: text() },
        {
          /**
           * Of the index that the image was chosen from. Where the name is a place, of that (source-stamp.ts): a layout or an archive that is unchanged need not be looked
           * through again.
           */
          index_digest: digest,
          /** Where it came from (policy/scope.ts); absent: it was made here. */
          source: text(),
        },
      ),
      1_000_000,
    ),
    /** Every manifest that the store has, named or not: an unnamed one may still be in use. */
    manifests: list(digest, 1_000_000),
  },
  /** Of those that came as ACIs, by manifest. */
  {
    appc: map(appcRecordShape, 1_000_000),
    /** Of indexes that are kept whole, for all platforms: every blob that they lead to, and they themselves. Each is a name's `index_digest`. */
    indexes: map(list(digest, 1_000_000), 1_000_000),
  },
);

export type NameIndex = Of<typeof indexShape>;
export type NamedImage = NameIndex['images'][string];

/** What the names stand for. A store that holds nothing yet has no file. */
export function readNames(roots: Roots): NameIndex {
  const { index } = storePaths(roots);
  let content: string;
  try {
    content = readFileSync(index, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { format: 1, images: {}, manifests: [] };
    throw error;
  }
  try {
    return indexShape(JSON.parse(content) as unknown, '');
  } catch (error) {
    if (!(error instanceof ShapeError) && !(error instanceof SyntaxError)) throw error;
    throw new BerthError('STATE_DAMAGED', {
      what: index,
      why: error.message,
      mend: 'Move it away and load the images again; layers that are still good are found and not unpacked again.',
      cause: error,
    });
  }
}

/** For who holds the lock on the index. */
export function writeNames(roots: Roots, names: NameIndex): void {
  const { index } = storePaths(roots);
  discardTorn(index);
  writeWhole(index, `${JSON.stringify(withoutLostIndexes(withoutLostRecords(names)), null, 1)}\n`);
}

function withoutLostIndexes(names: NameIndex): NameIndex {
  if (names.indexes === undefined) return names;
  const { indexes, ...rest } = names;
  const wanted = new Set<string | undefined>(Object.values(names.images).map((each) => each.index_digest));
  const left = Object.entries(indexes).filter(([index]) => wanted.has(index));
  return left.length === 0 ? rest : { ...rest, indexes: Object.fromEntries(left) };
}

function withoutLostRecords(names: NameIndex): NameIndex {
  if (names.appc === undefined) return names;
  const kept = new Set<string>(names.manifests);
  const { appc, ...rest } = names;
  const left = Object.entries(appc).filter(([manifest]) => kept.has(manifest));
  return left.length === 0 ? rest : { ...rest, appc: Object.fromEntries(left) };
}

/** Changes the names, alone: `change` gets what they are now and may say that nothing is to be written. */
export async function updateNames(
  roots: Roots,
  change: (names: NameIndex) => NameIndex | undefined,
): Promise<void> {
  const paths = storePaths(roots);
  const lock = await FileLock.take(paths.indexLock);
  try {
    const changed = change(readNames(roots));
    if (changed !== undefined) writeNames(roots, changed);
  } finally {
    lock.release();
  }
}
