import { statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { hexOf } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import type { Wanted } from './arrivals.js';
import { storePaths } from './store.js';

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
  const { bavail, bsize } = await statfs(base);
  const free = bavail * bsize;
  if (coming + unpacked <= free) return coming;
  throw new BerthError('NO_SPACE', {
    what,
    why: `it needs ${coming} bytes for its layers as they come and at least ${unpacked} unpacked, and ${base} has ${free} free: ${
      coming + unpacked - free
    } are missing`,
    mend: 'Free space on the disk, or use another --root. Nothing was fetched.',
  });
}
