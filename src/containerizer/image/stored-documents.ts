import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { ImageConfig, ImageManifest } from '../../oci-spec/image.js';
import type { Roots } from '../../state/roots.js';
import { readDocument, verifyContent } from './documents.js';
import { blobName } from './layout-files.js';
import { storePaths } from './store.js';

export interface StoredDocuments {
  manifest: ImageManifest;
  config: ImageConfig;
}

/**
 * Manifest and configuration, checked against their digests. They were validated before they came into the store, so bytes with
 * the same digest need no second validation. Undefined: one of them is not there.
 */
export function readStored(
  roots: Roots,
  manifestDigest: Digest,
  reference: string,
): StoredDocuments | undefined {
  const read = (digest: Digest): Buffer | undefined => {
    const bytes = readDocument(path.join(storePaths(roots).base, blobName(digest)), `image ${reference}`);
    if (bytes !== undefined) verifyContent(bytes, { digest }, `image ${reference}`);
    return bytes;
  };
  try {
    const manifestBytes = read(manifestDigest);
    if (manifestBytes === undefined) return undefined;
    const manifest = JSON.parse(manifestBytes.toString()) as ImageManifest;
    const configBytes = read(manifest.config.digest);
    if (configBytes === undefined) return undefined;
    return { manifest, config: JSON.parse(configBytes.toString()) as ImageConfig };
  } catch (error) {
    // Of what cannot be read just now nobody knows whether it is damaged.
    if (!(error instanceof BerthError) || error.cause !== undefined) throw error;
    const { what, why } = error;
    const mend = 'What the store has of it is damaged: fetch, load or build the image again.';
    throw new BerthError('IMAGE_CORRUPT', { what, why, mend, cause: error });
  }
}

/** For who looks at many, of which one that is damaged is as good as missing: nothing can be run of it. */
export function readSound(roots: Roots, manifestDigest: Digest): StoredDocuments | undefined {
  try {
    return readStored(roots, manifestDigest, manifestDigest);
  } catch (error) {
    if (error instanceof BerthError && error.code === 'IMAGE_CORRUPT') return undefined;
    throw error;
  }
}
