import path from 'node:path';
import type { AppcImageManifest } from '../../appc-spec/image-manifest.js';
import { imageManifestShape } from '../../appc-spec/image-manifest.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { parseDocument, readDocument, verifyContent } from '../image/documents.js';
import { blobName } from '../image/layout-files.js';
import { storePaths } from '../image/store.js';
import { appcRecordOf, mustBeTrusted } from './trust.js';

/** What an App Container Image says that an OCI configuration cannot. */
export interface AppcImage {
  imageId: string;
  manifest: AppcImageManifest;
}

/** Undefined: the image did not come as an ACI. */
export function appcImage(
  roots: Roots,
  manifestDigest: Digest,
  insecure: boolean,
  reference: string,
): AppcImage | undefined {
  const record = appcRecordOf(roots, manifestDigest);
  if (record === undefined) return undefined;
  const what = `image ${reference}`;
  if (!insecure) mustBeTrusted(roots, record, what);
  const bytes = readDocument(path.join(storePaths(roots).base, blobName(record.manifest)), what);
  if (bytes === undefined) return undefined;
  verifyContent(bytes, { digest: record.manifest }, what);
  return {
    imageId: record.image_id,
    manifest: parseDocument(bytes, imageManifestShape, what, 'image manifest'),
  };
}
