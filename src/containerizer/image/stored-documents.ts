import path from 'node:path';
import type { Digest } from '../../oci-spec/digest.js';
import type { ImageConfig, ImageManifest } from '../../oci-spec/image.js';
import type { Roots } from '../../state/roots.js';
import { readDocument, verifyContent } from './documents.js';
import { blobName } from './layout-files.js';
import { storePaths } from './store.js';

/**
 * Manifest and configuration, checked against their digests. They were validated before they came into the store, so bytes with
 * the same digest need no second validation.
 */
export function readStored(
  roots: Roots,
  manifestDigest: Digest,
  reference: string,
): { manifest: ImageManifest; config: ImageConfig } | undefined {
  const read = (digest: Digest): Buffer | undefined => {
    const bytes = readDocument(path.join(storePaths(roots).base, blobName(digest)), `image ${reference}`);
    if (bytes !== undefined) verifyContent(bytes, { digest }, `image ${reference}`);
    return bytes;
  };
  const manifestBytes = read(manifestDigest);
  if (manifestBytes === undefined) return undefined;
  const manifest = JSON.parse(manifestBytes.toString()) as ImageManifest;
  const configBytes = read(manifest.config.digest);
  if (configBytes === undefined) return undefined;
  return { manifest, config: JSON.parse(configBytes.toString()) as ImageConfig };
}
