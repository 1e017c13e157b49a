import { existsSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { type Digest, hexOf } from '../../oci-spec/digest.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { whenNobodyLaunches } from '../container/launch-lock.js';
import { readNames } from './names.js';
import { closeLayer } from './open-layer.js';
import { partsOf } from './parts.js';
import { blobFile, emptyTrash, storePaths, trashPath } from './store.js';

/**
 * After a load that failed: what it had finished, and nothing needs, goes. While others load it stays for the next one to
 * collect, since they may be building on it.
 */
export async function collectAfterFailure(roots: Roots): Promise<void> {
  const lock = FileLock.attempt(storePaths(roots).storeLock);
  if (lock === undefined) return;
  try {
    discardUnwanted(roots);
    await emptyTrash(roots);
  } finally {
    lock.release();
  }
}

/** Renames to the trash whatever no manifest of the store needs. The caller holds the store's lock alone. */
export function discardUnwanted(roots: Roots): void {
  const paths = storePaths(roots);
  const names = readNames(roots);
  const wanted = new Set(names.manifests.flatMap((digest) => partsOf(roots, digest, names)));
  for (const digest of Object.values(names.indexes ?? {}).flat()) wanted.add(blobFile(roots, digest));
  for (const digest of names.manifests) wanted.add(path.join(paths.signatures, hexOf(digest)));
  const discard = (folder: string, before = (_name: string): void => {}): void => {
    for (const name of readdirSync(folder)) {
      if (wanted.has(path.join(folder, name))) continue;
      before(name);
      renameSync(path.join(folder, name), trashPath(roots, name));
    }
  };
  discard(paths.layers, (id) => closeLayer(roots, id));
  discard(paths.blobs);
  if (existsSync(paths.signatures)) discard(paths.signatures);
}

/** Renames to the trash the unpacked layers that only these images need. The caller holds the store's lock alone. */
export function discardLayers(roots: Roots, leaving: ReadonlySet<Digest>): void {
  const names = readNames(roots);
  const needed = new Set(
    names.manifests
      .filter((digest) => !leaving.has(digest))
      .flatMap((digest) => partsOf(roots, digest, names)),
  );
  const { layers } = storePaths(roots);
  for (const part of new Set([...leaving].flatMap((digest) => partsOf(roots, digest, names)))) {
    if (path.dirname(part) !== layers || needed.has(part) || !existsSync(part)) continue;
    renameSync(part, trashPath(roots, path.basename(part)));
  }
}

/**
 * Does something that writes the index before it removes images. On a disk that is too full for that, layers of theirs make room for it first: `leaving` tells of which images, now
 * that nobody launches. Should this be killed in between, they are unpacked again when somebody uses them.
 */
export async function withRoom(
  roots: Roots,
  what: string,
  leaving: () => ReadonlySet<Digest>,
  remove: () => void,
): Promise<void> {
  try {
    await whenNobodyLaunches(roots, what, remove);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    await whenNobodyLaunches(roots, what, () => discardLayers(roots, leaving()));
    await emptyTrash(roots);
    await whenNobodyLaunches(roots, what, remove);
  }
}
