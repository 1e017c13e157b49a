import { existsSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { chainIds, hexOf } from '../../oci-spec/digest.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { blobsBeside } from '../appc/record.js';
import { readNames } from './names.js';
import { closeLayer } from './open-layer.js';
import { emptyTrash, storePaths, trashPath } from './store.js';
import { readStored } from './stored-documents.js';
import { layerId } from './stored-layer.js';

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
  const blobs = new Set<string>();
  const layers = new Set<string>();
  const { manifests, appc = {}, indexes = {} } = readNames(roots);
  for (const digest of Object.values(indexes).flat()) blobs.add(hexOf(digest));
  for (const manifestDigest of manifests) {
    for (const digest of blobsBeside(appc[manifestDigest])) blobs.add(hexOf(digest));
    const stored = readStored(roots, manifestDigest, manifestDigest);
    if (stored === undefined) continue;
    const { manifest, config } = stored;
    for (const digest of [
      manifestDigest,
      manifest.config.digest,
      ...manifest.layers.map((layer) => layer.digest),
    ]) {
      blobs.add(hexOf(digest));
    }
    for (const chainId of chainIds(config.rootfs.diff_ids)) layers.add(layerId(chainId));
  }
  const discard = (folder: string, wanted: Set<string>, before = (_name: string): void => {}): void => {
    for (const name of readdirSync(folder)) {
      if (wanted.has(name)) continue;
      before(name);
      renameSync(path.join(folder, name), trashPath(roots, name));
    }
  };
  discard(paths.layers, layers, (id) => closeLayer(roots, id));
  discard(paths.blobs, blobs);
  if (existsSync(paths.signatures)) discard(paths.signatures, new Set(manifests.map(hexOf)));
}
