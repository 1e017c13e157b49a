import { statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { chainIds, type Digest, hexOf } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import type { Wanted } from './arrivals.js';
import type { LayerSource, ResolvedImage } from './oci-layout.js';
import { hasBlob, storePaths } from './store.js';
import { readLayer } from './stored-layer.js';

type Blob = Pick<LayerSource, 'digest' | 'size'>;

/**
 * Refuses a pull that cannot fit: what is still to come, and as much again for what it unpacks to, which is hardly ever less. Gives the bytes that are still to come.
 */
export async function mustFit(roots: Roots, wanted: readonly Wanted[], what: string): Promise<number> {
  const { base, downloads } = storePaths(roots);
  let coming = 0;
  let unpacked = 0;
  for (const { source, ready } of wanted) {
    const status = statSync(path.join(downloads, hexOf(source.digest)), { throwIfNoEntry: false });
    const have = status?.size ?? 0;
    coming += have > source.size ? source.size : source.size - have;
    if (!ready) unpacked += source.size;
  }
  await mustHave(base, coming, unpacked, what, 'Nothing was fetched.');
  return coming;
}

/** The same of an App Container Image that a server announces: its file, and as much again for its layer, and for what that unpacks to. */
export function mustFitAci(roots: Roots, bytes: number, what: string): Promise<void> {
  return mustHave(storePaths(roots).base, 2 * bytes, bytes, what, 'Nothing was fetched.');
}

/**
 * The same of an image that is here already: what is still to unpack, and the blobs that become copies of the store's own. `beside`: those that are to be kept with it, and their sizes.
 */
export async function mustFitHere(
  roots: Roots,
  image: ResolvedImage,
  what: string,
  beside: ReadonlyMap<Digest, number> = new Map(),
): Promise<void> {
  const chain = chainIds(image.layers.map((layer) => layer.diffId));
  const fresh = image.layers.filter((_, i) => readLayer(roots, chain[i] as Digest) === undefined);
  const whole = [...image.layers, ...[...beside].map(([digest, size]) => ({ digest, size }))];
  const missing = image.verified ? [] : whole.filter((blob) => !hasBlob(roots, blob));
  const copied = new Map(missing.map((layer) => [layer.digest, layer])).values();
  // What is stated is not believed before it is checked: a wrong size is told as such, and no disk is too small for it.
  const sizeOf = ({ digest, size }: Blob) =>
    Math.min(size, statSync(image.blobPath(digest), { throwIfNoEntry: false })?.size ?? 0);
  const sum = (blobs: Iterable<Blob>) => [...blobs].reduce((total, blob) => total + sizeOf(blob), 0);
  await mustHave(storePaths(roots).base, sum(copied), sum(fresh), what, 'Nothing of it was unpacked.');
}

async function mustHave(
  base: string,
  coming: number,
  unpacked: number,
  what: string,
  reassurance: string,
): Promise<void> {
  const { bavail, bsize } = await statfs(base);
  const free = bavail * bsize;
  if (coming + unpacked <= free) return;
  throw new BerthError('NO_SPACE', {
    what,
    why: `it needs ${coming} bytes for its layers as they come and at least ${unpacked} unpacked, and ${base} has ${free} free: ${
      coming + unpacked - free
    } are missing`,
    mend: `Free space on the disk, or use another --root. ${reassurance}`,
  });
}
