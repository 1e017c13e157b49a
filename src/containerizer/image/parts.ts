import path from 'node:path';
import { chainIds, type Digest, hexOf } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { blobsBeside } from '../appc/record.js';
import { layersInUse } from './image-user.js';
import type { NameIndex } from './names.js';
import { storePaths } from './store.js';
import { readSound } from './stored-documents.js';
import { layerId } from './stored-layer.js';

/** The store's own files and folders that an image is made of. Where its documents are gone or damaged: the layers that containers have of it. */
export function partsOf(
  roots: Roots,
  digest: Digest,
  { images, appc = {}, indexes = {} }: Pick<NameIndex, 'images' | 'appc' | 'indexes'>,
): string[] {
  const { layers, blobs } = storePaths(roots);
  const stored = readSound(roots, digest);
  if (stored === undefined) return layersInUse(roots, digest).map((id) => path.join(layers, id));
  const { manifest, config } = stored;
  const whole = Object.values(images).flatMap(({ manifest_digest, index_digest }) =>
    manifest_digest === digest && index_digest !== undefined ? (indexes[index_digest] ?? []) : [],
  );
  const needed = [
    digest,
    manifest.config.digest,
    ...manifest.layers.map((layer) => layer.digest),
    ...blobsBeside(appc[digest]),
    ...whole,
  ];
  return [
    ...new Set([
      ...needed.map((each) => path.join(blobs, hexOf(each))),
      ...chainIds(config.rootfs.diff_ids).map((each) => path.join(layers, layerId(each))),
    ]),
  ];
}
