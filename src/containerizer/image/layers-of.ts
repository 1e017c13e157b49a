import { BerthError } from '../../errors/berth-error.js';
import { chainIds, type Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { openLayer } from './open-layer.js';
import { readStored } from './stored-documents.js';

/** The directories that a container of this image has below its own, topmost first. */
export function layersOf(roots: Roots, manifestDigest: Digest, what: string): string[] {
  const stored = readStored(roots, manifestDigest, what);
  if (stored === undefined) throw damaged(what, 'its image is missing from the store');
  const directories: string[] = [];
  for (const chainId of chainIds(stored.config.rootfs.diff_ids).reverse()) {
    const layer = openLayer(roots, chainId);
    if (layer === undefined) throw damaged(what, 'a layer of its image is missing from the store');
    directories.push(layer.directory);
    if (layer.root_opaque) break;
  }
  return directories;
}

function damaged(what: string, why: string): BerthError {
  return new BerthError('STATE_DAMAGED', { what, why, mend: 'Load the image again.' });
}
