import { existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { native } from '../../native/index.js';
import type { Digest } from '../../oci-spec/digest.js';
import { discardTorn } from '../../state/atomic-file.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { tellImage } from '../events/tell.js';
import { discardUnwanted, withRoom } from '../image/collect.js';
import { imageUsers } from '../image/image-user.js';
import { readNames, writeNames } from '../image/names.js';
import { requireRoot } from '../image/root-only.js';
import {
  blobFile,
  discardDeadLocks,
  discardDeadSessions,
  emptyTrash,
  storePaths,
  trashPath,
} from '../image/store.js';

export interface PrunedImages {
  /** By name; an image that had none is null. */
  images: { name: string | null; manifestDigest: Digest }[];
  bytes: number;
}

/**
 * Removes the images without a name that no container needs, and what no image needs; with `all` those with a name too. `before`: only what was loaded earlier
 * (RFC 3339). `keep`: names that stay. Waits for loads that are under way, and for launches: a container has its image on record from the end of that.
 */
export async function pruneImages(
  roots: Roots,
  { all, before, keep = [] }: { all: boolean; before?: string; keep?: readonly string[] },
): Promise<PrunedImages> {
  requireRoot('prune');
  const paths = storePaths(roots);
  if (!existsSync(paths.index)) return { images: [], bytes: 0 };
  const store = await FileLock.take(paths.storeLock);
  try {
    const index = await FileLock.take(paths.indexLock);
    let images: PrunedImages['images'] = [];
    try {
      discardDeadSessions(roots);
      discardDeadLocks(roots);
      for (const file of [paths.index, paths.settings]) discardTorn(file);
      const until = before === undefined ? Number.POSITIVE_INFINITY : Date.parse(before);
      await withRoom(
        roots,
        'images',
        () => new Set(unusedImages(roots, all, until, keep).lost),
        () => {
          discardDownloads(roots, until);
          images = forgetUnused(roots, all, until, keep);
          discardUnwanted(roots);
        },
      );
    } finally {
      index.release();
    }
    const trash = readdirSync(paths.trash)
      .filter((name) => name.startsWith('image-'))
      .map((name) => path.join(paths.trash, name));
    const sizes = await native().diskUsage(trash);
    await emptyTrash(roots);
    return { images, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  } finally {
    store.release();
  }
}

/** Names that go and stay, and the images that are lost with those that go. */
function unusedImages(roots: Roots, all: boolean, before: number, keep: readonly string[]) {
  const names = readNames(roots);
  const users = imageUsers(roots);
  const named = Object.entries(names.images);
  const leaving = named.filter(
    ([name, { manifest_digest, loaded_at }]) =>
      all && !keep.includes(name) && users(manifest_digest).length === 0 && Date.parse(loaded_at) < before,
  );
  const staying = named.filter((each) => !leaving.includes(each));
  const wanted = new Set(staying.map(([, { manifest_digest }]) => manifest_digest));
  const lost = names.manifests.filter(
    (digest) =>
      !wanted.has(digest) &&
      users(digest).length === 0 &&
      (leaving.some(([, { manifest_digest }]) => manifest_digest === digest) ||
        storedAt(roots, digest) < before),
  );
  return { names, leaving, staying, lost };
}

/** Takes them out of the index; what they had is then nobody's. */
function forgetUnused(
  roots: Roots,
  all: boolean,
  before: number,
  keep: readonly string[],
): PrunedImages['images'] {
  const { names, leaving, staying, lost } = unusedImages(roots, all, before, keep);
  if (leaving.length + lost.length === 0) return [];
  writeNames(roots, {
    ...names,
    images: Object.fromEntries(staying),
    manifests: names.manifests.filter((digest) => !lost.includes(digest)),
  });
  const gone = leaving.map(([name, { manifest_digest }]) => ({ name, manifestDigest: manifest_digest }));
  for (const { name, manifestDigest } of gone) tellImage(roots, manifestDigest, name, 'untag');
  const unnamed = lost.filter((digest) => !gone.some(({ manifestDigest }) => manifestDigest === digest));
  for (const digest of lost) tellImage(roots, digest, null, 'delete');
  return [...gone, ...unnamed.map((manifestDigest) => ({ name: null, manifestDigest }))];
}

function storedAt(roots: Roots, digest: Digest): number {
  return statSync(blobFile(roots, digest), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Parts of blobs whose image has not come: nobody is at it, or the store could not be had alone. */
function discardDownloads(roots: Roots, before: number): void {
  const { downloads } = storePaths(roots);
  if (!existsSync(downloads)) return;
  for (const name of readdirSync(downloads)) {
    const file = path.join(downloads, name);
    if (statSync(file).mtimeMs < before) renameSync(file, trashPath(roots, `download-${name}`));
  }
}
