import { BerthError } from '../../errors/berth-error.js';
import { chainIds, type Digest } from '../../oci-spec/digest.js';
import type { ImageConfig, ImageManifest } from '../../oci-spec/image.js';
import type { Roots } from '../../state/roots.js';
import { namesOf } from './by-id.js';
import { keptPlatforms } from './kept-index.js';
import { readNames } from './names.js';
import { parseReference } from './reference.js';
import { readStored } from './stored-documents.js';
import { lookUp } from './stored-image.js';
import { layerFs, readLayer } from './stored-layer.js';

/** One image of the store. Sizes in bytes: `size` unpacked, `blobSize` as its layers came. */
export interface ImageSummary {
  name: string;
  manifestDigest: Digest;
  configDigest: Digest;
  created: string | undefined;
  loadedAt: string;
  size: number;
  blobSize: number;
  layers: number;
}

export interface ImageDetails extends ImageSummary {
  /** Every name it has in the store. */
  names: string[];
  manifest: ImageManifest;
  config: ImageConfig;
  /** Topmost first. */
  directories: string[];
  /** The index that is kept whole with it, and the platforms that it names. */
  index?: { digest: Digest; platforms: string[] };
}

/** Every image that has a name, by name. `onDamaged` is told of those that cannot be read; without it they are failures. */
export function listImages(
  roots: Roots,
  onDamaged = (damage: BerthError): void => {
    throw damage;
  },
): ImageSummary[] {
  const { images } = readNames(roots);
  return Object.keys(images)
    .sort()
    .flatMap((name) => {
      const named = images[name];
      if (named === undefined) return [];
      try {
        return [describe(roots, name, named)];
      } catch (error) {
        if (!(error instanceof BerthError)) throw error;
        onDamaged(error);
        return [];
      }
    })
    .map(({ names: _n, manifest: _m, config: _c, directories: _d, ...summary }) => summary);
}

export function inspectImage(roots: Roots, reference: string): ImageDetails {
  const parsed = parseReference(reference);
  const named = lookUp(roots, parsed, reference);
  if (named === undefined) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what: `image ${reference}`,
      why: 'it is not in the store, or its layout has changed since',
      mend: `Load it first: berth image load ${reference}.`,
    });
  }
  const names = namesOf(roots, named.manifest_digest);
  const name = names.includes(parsed.canonical) ? parsed.canonical : (names[0] ?? named.manifest_digest);
  const index = keptPlatforms(roots, named, `image ${reference}`);
  return { ...describe(roots, name, named), ...(index === undefined ? {} : { index }) };
}

function describe(
  roots: Roots,
  name: string,
  named: { manifest_digest: Digest; loaded_at: string },
): ImageDetails {
  const stored = readStored(roots, named.manifest_digest, name);
  if (stored === undefined) {
    throw new BerthError('STATE_DAMAGED', {
      what: `image ${name}`,
      why: 'its manifest or configuration is missing from the store',
      mend: 'Load it again.',
    });
  }
  const { manifest, config } = stored;
  const chain = chainIds(config.rootfs.diff_ids).reverse();
  return {
    name,
    manifestDigest: named.manifest_digest,
    configDigest: manifest.config.digest,
    created: config.created,
    loadedAt: named.loaded_at,
    size: chain.reduce((sum, id) => sum + (readLayer(roots, id)?.file_bytes ?? 0), 0),
    blobSize: manifest.layers.reduce((sum, layer) => sum + layer.size, 0),
    layers: manifest.layers.length,
    names: namesOf(roots, named.manifest_digest),
    manifest,
    config,
    directories: chain.map((id) => layerFs(roots, id)),
  };
}
