import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { ImageConfig, ImageManifest } from '../../oci-spec/image.js';
import type { Roots } from '../../state/roots.js';
import { readDocument, verifyContent } from './documents.js';
import type { StoredLayer } from './layers.js';
import { blobName } from './layout-files.js';
import { type NamedImage, readNames } from './names.js';
import type { ImageReference } from './reference.js';
import { sourceStamp } from './source-stamp.js';
import { storePaths } from './store.js';

/** The store's record of a reference, if it holds for what is there now. */
export function lookUp(roots: Roots, parsed: ImageReference, reference: string): NamedImage | undefined {
  const { images } = readNames(roots);
  const named = Object.hasOwn(images, parsed.canonical) ? images[parsed.canonical] : undefined;
  if (parsed.kind !== 'stored') {
    // The tag may have moved: only the very content that was looked through before needs no second look.
    const stamp = named && sourceStamp(parsed, `image ${reference}`);
    return stamp !== undefined && stamp === named?.index_digest ? named : undefined;
  }
  if (named === undefined) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what: `image ${reference}`,
      why: 'it is not in the store',
      mend: 'See berth image ls, or load it: berth image load oci:DIR[:TAG] NAME.',
    });
  }
  if (parsed.digest !== undefined && parsed.digest !== named.manifest_digest) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what: `image ${reference}`,
      why: `${parsed.canonical} is ${named.manifest_digest} in the store`,
    });
  }
  return named;
}

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

export function warningsOf(
  layer: Pick<StoredLayer, 'diff_id' | 'devices_skipped' | 'xattrs_skipped'>,
): string[] {
  const about = `layer ${layer.diff_id.slice(0, 19)}`;
  const warnings: string[] = [];
  if (layer.devices_skipped > 0) {
    warnings.push(`${about}: ${layer.devices_skipped} device nodes left out: a container gets its own /dev`);
  }
  if (layer.xattrs_skipped > 0) {
    warnings.push(
      `${about}: ${layer.xattrs_skipped} extended attributes left out: reserved, or unknown to the file system`,
    );
  }
  return warnings;
}
