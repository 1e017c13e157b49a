import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { native } from '../../native/index.js';
import type { Digest } from '../../oci-spec/digest.js';
import { currentBootId } from '../../state/live-process.js';
import type { Roots } from '../../state/roots.js';
import { blobFile, storePaths } from './store.js';

/**
 * The mode of a layer's record once all of the layer is known to be on the disk. Until then its writer may write to it, and the layer is believed in the boot
 * alone in which it was unpacked. A mode, since giving it makes no file: it cannot get in the way of who removes the layer.
 */
const settledMode = 0o400;
const ownerMayWrite = 0o200;

export function isSettled(record: string): boolean {
  return (statSync(record).mode & ownerMayWrite) === 0;
}

/** Waits until blobs are on the disk with their names, so that whatever is made of them can be made again after a power loss. */
export async function syncBlobs(roots: Roots, digests: readonly Digest[]): Promise<void> {
  await native().syncFiles([...digests.map((digest) => blobFile(roots, digest)), storePaths(roots).blobs]);
}

/**
 * Has the layers of this boot that are not settled yet become so once the kernel has written them back, and waits for none of it. Where that cannot be had, a layer
 * only has to be unpacked again after the next start of the host; the next that stores an image asks for it once more.
 */
export async function settleLayers(roots: Roots): Promise<void> {
  const { layers } = storePaths(roots);
  const records = readdirSync(layers)
    .map((id) => path.join(layers, id, 'layer.json'))
    .filter((record) => awaitsSettling(record));
  if (records.length === 0) return;
  try {
    await native().markOnceSynced(layers, records, settledMode);
  } catch (error) {
    if (!noProcess.has((error as { code?: string }).code ?? '')) throw error;
  }
}

/** A limit of processes or descriptors is reached, or memory is short. */
const noProcess = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ECHILD']);

function awaitsSettling(record: string): boolean {
  try {
    return !isSettled(record) && readFileSync(record, 'utf8').includes(currentBootId());
  } catch (error) {
    // Removed meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
