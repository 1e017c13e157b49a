import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { type Digest, digestOf, hexOf } from '../../oci-spec/digest.js';
import {
  type Descriptor,
  type ImageConfig,
  type ImageManifest,
  imageConfigShape,
  indexShape,
  isConfigType,
  isManifestType,
  layerCompression,
  layoutShape,
  manifestShape,
} from '../../oci-spec/image.js';
import { parseDocument, parseJson, readDocument, shaped, verifyContent } from './documents.js';
import { indexDepth } from './limits.js';
import { choosePlatform, fitsHost, hostPlatform, platformName } from './platform.js';

/** One layer, and how to check it. */
export interface LayerSource {
  digest: Digest;
  size: number;
  compression: 'none' | 'gzip';
  diffId: Digest;
}

/** An image whose documents have been verified; its layers are checked as they are read. */
export interface ResolvedImage {
  manifestDigest: Digest;
  manifest: ImageManifest;
  manifestBytes: Buffer;
  config: ImageConfig;
  configBytes: Buffer;
  layers: LayerSource[];
  /** Of the layout's index.json as it was read: as long as it stands, so does the choice made. */
  indexDigest: Digest | undefined;
  blobPath(digest: Digest): string;
}

/** The path of a blob in an OCI layout; the store has the same shape (image-layout.md). */
export function blobPath(root: string, digest: Digest): string {
  return path.join(root, 'blobs', 'sha256', hexOf(digest));
}

export function layoutIndexPath(directory: string): string {
  return path.join(directory, 'index.json');
}

/** Finds an image in an OCI layout directory and verifies its manifest and configuration. */
export function resolveLayout(directory: string, tag: string | undefined, what: string): ResolvedImage {
  const marker = readDocument(path.join(directory, 'oci-layout'), what);
  const index = marker && readDocument(layoutIndexPath(directory), what);
  if (marker === undefined || index === undefined) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what,
      why: `${directory} is not an OCI layout: it has no ${marker === undefined ? 'oci-layout' : 'index.json'} file`,
      mend: 'Name the folder that holds oci-layout, index.json and blobs.',
    });
  }
  parseDocument(marker, layoutShape, what, 'oci-layout file');
  const { manifests } = parseDocument(index, indexShape, what, 'index.json');
  const chosen = manifestOf(directory, withTag(manifests, tag, what), what);
  return { ...resolveManifest(directory, chosen, what), indexDigest: digestOf(index) };
}

/** The image of one manifest, from any folder with the layout's blobs. */
export function resolveManifest(
  root: string,
  descriptor: { digest: Digest; size?: number; mediaType?: string },
  what: string,
): ResolvedImage {
  const manifestBytes = readBlob(root, descriptor, what);
  const manifest = shaped(documentOf(manifestBytes, descriptor, what), manifestShape, what, 'manifest');
  if (!isConfigType(manifest.config.mediaType)) {
    throw new BerthError('IMAGE_INVALID', {
      what,
      why: `it is not a container image but ${manifest.config.mediaType}`,
    });
  }
  const configBytes = readBlob(root, manifest.config, what);
  const config = parseDocument(configBytes, imageConfigShape, what, 'configuration');
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) {
    throw new BerthError('IMAGE_INVALID', {
      what,
      why: `its manifest has ${manifest.layers.length} layers and its configuration ${diffIds.length}`,
    });
  }
  if (!fitsHost(config)) {
    throw new BerthError('PLATFORM_MISSING', {
      what,
      why: `it is for ${platformName(config)} and this host is ${platformName(hostPlatform())}`,
    });
  }
  const layers = manifest.layers.map((layer, i) =>
    layerSource(layer, diffIds[i] as Digest, `${what}, layer ${i + 1}`),
  );
  return {
    manifestDigest: descriptor.digest,
    manifest,
    manifestBytes,
    config,
    configBytes,
    layers,
    indexDigest: undefined,
    blobPath: (digest) => blobPath(root, digest),
  };
}

function layerSource(layer: Descriptor, diffId: Digest, what: string): LayerSource {
  const compression = layerCompression(layer.mediaType);
  if (compression === undefined) {
    const why = layer.mediaType.endsWith('zstd')
      ? 'zstd layers are not supported yet'
      : `${layer.mediaType} is not a known kind of layer`;
    throw new BerthError('IMAGE_INVALID', {
      what,
      why,
      mend: 'Convert the image: skopeo copy --dest-compress-format gzip.',
    });
  }
  return { digest: layer.digest, size: layer.size, compression, diffId };
}

function readBlob(root: string, descriptor: { digest: Digest; size?: number }, what: string): Buffer {
  const bytes = readDocument(blobPath(root, descriptor.digest), what);
  if (bytes === undefined)
    throw new BerthError('IMAGE_INVALID', { what, why: `its blob ${descriptor.digest} is missing` });
  verifyContent(bytes, descriptor, what);
  return bytes;
}

/**
 * JSON whose kind is beyond doubt: a document that could be read both as an index and as a manifest, or that calls itself
 * something else than its descriptor does, is refused (CVE-2021-41190).
 */
function documentOf(bytes: Buffer, descriptor: { mediaType?: string }, what: string): unknown {
  const value = parseJson(bytes, what, 'manifest');
  if (typeof value !== 'object' || value === null) return value;
  const { mediaType, manifests, layers, config } = value as Record<string, unknown>;
  if (manifests !== undefined && (layers !== undefined || config !== undefined)) {
    throw new BerthError('IMAGE_INVALID', { what, why: 'a document is both an index and a manifest' });
  }
  if (mediaType !== undefined && descriptor.mediaType !== undefined && mediaType !== descriptor.mediaType) {
    throw new BerthError('IMAGE_INVALID', {
      what,
      why: `a document calls itself ${String(mediaType)} and is referred to as ${descriptor.mediaType}`,
    });
  }
  return value;
}

const refName = 'org.opencontainers.image.ref.name';

function withTag(manifests: Descriptor[], tag: string | undefined, what: string): Descriptor[] {
  const tags = [...new Set(manifests.map((m) => m.annotations?.[refName]).filter((t) => t !== undefined))];
  const wanted = tag ?? (tags.length === 1 ? tags[0] : tags.includes('latest') ? 'latest' : undefined);
  if (tag === undefined && tags.length === 0 && manifests.length > 0) return manifests;
  const found = manifests.filter((m) => wanted !== undefined && m.annotations?.[refName] === wanted);
  if (found.length > 0) return found;
  throw new BerthError('IMAGE_NOT_FOUND', {
    what,
    why:
      tag === undefined
        ? 'the layout has several images and none is tagged latest'
        : `the layout has no image tagged ${tag}`,
    mend: tags.length === 0 ? 'The layout has no tags: leave the tag out.' : `It has: ${tags.join(', ')}.`,
  });
}

/** Follows indexes, for this host's platform, down to a manifest. */
function manifestOf(directory: string, candidates: Descriptor[], what: string, depth = 0): Descriptor {
  const chosen = choosePlatform(candidates, what);
  if (isManifestType(chosen.mediaType)) return chosen;
  if (depth >= indexDepth) {
    throw new BerthError('IMAGE_HOSTILE', { what, why: `it nests more than ${indexDepth} indexes` });
  }
  const bytes = readBlob(directory, chosen, what);
  const index = shaped(documentOf(bytes, chosen, what), indexShape, what, 'index');
  return manifestOf(directory, index.manifests, what, depth + 1);
}
