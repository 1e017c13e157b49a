import { BerthError } from '../../errors/berth-error.js';
import type { BlobGrowth, Compression } from '../../native/unpack.js';
import { type Digest, digestOf } from '../../oci-spec/digest.js';
import {
  type Descriptor,
  type ImageConfig,
  type ImageManifest,
  imageConfigShape,
  indexMediaType,
  indexShape,
  isConfigType,
  isIndexType,
  isManifestType,
  layerCompression,
  layoutShape,
  manifestShape,
} from '../../oci-spec/image.js';
import { chooseTag } from './choose-tag.js';
import { parseDocument, parseJson, readDocument, shaped, verifyContent } from './documents.js';
import { blobName, type LayoutFiles } from './layout-files.js';
import { indexDepth } from './limits.js';
import { choosePlatform, fitsHost, hostPlatform, platformName } from './platform.js';

/** One layer, and how to check it. */
export interface LayerSource {
  digest: Digest;
  size: number;
  compression: Compression;
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
  /** The layers' blobs have been checked already, and may become the store's own. */
  verified: boolean;
  blobPath(digest: Digest): string;
  /** Blobs that are still on their way: what blobPath says of them holds once they have begun to come. */
  arrivals?: Arrivals;
}

/** Blobs that come from elsewhere while the image is being stored. */
export interface Arrivals {
  /** The blob, as soon as its first bytes may be read; undefined when none is on its way. */
  of(digest: Digest): Promise<Arrival> | undefined;
  /** Nobody needs any of them any more. */
  cancel(why: Error): void;
}

export interface Arrival {
  /** Of a file that still grows. */
  growth: BlobGrowth | undefined;
  /** Resolves when it is complete and verified. False: it has to come once more, and its file is another then. */
  whole: Promise<boolean>;
}

/** A manifest or an index, byte for byte. */
export interface IndexDocument {
  digest: Digest;
  mediaType: string;
  bytes: Buffer;
}

/** An image of a layout, chosen for this machine. */
export interface LayoutImage {
  image: ResolvedImage;
  /** As the layout's annotations have them. */
  names: string[];
  /** The index that it was chosen from; undefined: it stands alone. */
  index: IndexDocument | undefined;
  /** It was chosen among manifests of index.json, where others stand too: no index holds its platforms and nothing else. */
  scattered: boolean;
}

/** Finds an image in an OCI layout and verifies its manifest and configuration. */
export function resolveLayout(
  files: LayoutFiles,
  tag: string | undefined,
  what: string,
): LayoutImage & { stamp: Digest } {
  const layout = readLayoutIndex(files, what);
  const found = imageAmong(files, layout, withTag(layout.manifests, tag, what), what);
  // As long as index.json stands, so does the choice made.
  return { ...found, names: [], stamp: digestOf(layout.bytes) };
}

/** Every image of a layout that is for this machine, with the names its annotations give it. */
export function resolveAll(files: LayoutFiles, what: string): LayoutImage[] {
  const layout = readLayoutIndex(files, what);
  const nameOf = ({ annotations }: Descriptor) => annotations?.[wholeName] ?? annotations?.[refName];
  return [...new Set(layout.manifests.map(nameOf))].map((name) => {
    const candidates = layout.manifests.filter((m) => nameOf(m) === name);
    return { ...imageAmong(files, layout, candidates, what), names: name === undefined ? [] : [name] };
  });
}

interface Layout {
  manifests: Descriptor[];
  /** Of index.json, which is an image index itself (image-layout.md). */
  bytes: Buffer;
  mediaType: string;
}

function imageAmong(
  files: LayoutFiles,
  { manifests, bytes, mediaType }: Layout,
  candidates: Descriptor[],
  what: string,
): Omit<LayoutImage, 'names'> {
  const image = resolveManifest(files, manifestOf(files, candidates, what), what);
  const [first, second] = candidates;
  if (first === undefined || second !== undefined) {
    const scattered = candidates.length < manifests.length;
    return {
      image,
      index: scattered ? undefined : { digest: digestOf(bytes), mediaType, bytes },
      scattered,
    };
  }
  const index = isIndexType(first.mediaType)
    ? { digest: first.digest, mediaType: first.mediaType, bytes: readBlob(files, first, what) }
    : undefined;
  return { image, index, scattered: false };
}

function readLayoutIndex(files: LayoutFiles, what: string): Layout {
  const marker = readFile(files, 'oci-layout', what);
  const index = marker && readFile(files, 'index.json', what);
  if (marker === undefined || index === undefined) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what,
      why: `${files.place} is not an OCI layout: it has no ${marker === undefined ? 'oci-layout' : 'index.json'} file`,
      mend: 'Name what holds oci-layout, index.json and blobs.',
    });
  }
  parseDocument(marker, layoutShape, what, 'oci-layout file');
  const { manifests, mediaType = indexMediaType } = parseDocument(index, indexShape, what, 'index.json');
  return { manifests, bytes: index, mediaType };
}

export function readFile(files: LayoutFiles, name: string, what: string): Buffer | undefined {
  const file = files.path(name);
  return file === undefined ? undefined : readDocument(file, what);
}

/** The image of one manifest, from anything with the layout's blobs. */
export function resolveManifest(
  files: LayoutFiles,
  descriptor: { digest: Digest; size?: number; mediaType?: string },
  what: string,
  anyPlatform = false,
): ResolvedImage {
  const manifestBytes = readBlob(files, descriptor, what);
  const manifest = manifestIn(manifestBytes, descriptor, what);
  const configBytes = readBlob(files, manifest.config, what);
  const documents = { manifestDigest: descriptor.digest, manifest, manifestBytes, configBytes };
  return imageOf(files, documents, what, anyPlatform);
}

/** The manifest of a container image, and of nothing else that may be kept in the same places. */
export function manifestIn(bytes: Buffer, descriptor: { mediaType?: string }, what: string): ImageManifest {
  const manifest = shaped(documentOf(bytes, descriptor, what), manifestShape, what, 'manifest');
  if (isConfigType(manifest.config.mediaType)) return manifest;
  throw new BerthError('IMAGE_INVALID', {
    what,
    why: `it is not a container image but ${manifest.artifactType ?? manifest.config.mediaType}`,
  });
}

/** An image whose manifest and configuration fit each other, and this machine unless it is meant for another. */
export function imageOf(
  files: LayoutFiles,
  documents: Pick<ResolvedImage, 'manifestDigest' | 'manifest' | 'manifestBytes' | 'configBytes'>,
  what: string,
  anyPlatform = false,
): ResolvedImage {
  const { manifest, configBytes } = documents;
  const config = parseDocument(configBytes, imageConfigShape, what, 'configuration');
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) {
    throw new BerthError('IMAGE_INVALID', {
      what,
      why: `its manifest has ${manifest.layers.length} layers and its configuration ${diffIds.length}`,
    });
  }
  if (!anyPlatform && !fitsHost(config)) {
    throw new BerthError('PLATFORM_MISSING', {
      what,
      why: `it is for ${platformName(config)} and this host is ${platformName(hostPlatform())}`,
    });
  }
  const layers = manifest.layers.map((layer, i) =>
    layerSource(layer, diffIds[i] as Digest, `${what}, layer ${i + 1}`),
  );
  return {
    ...documents,
    config,
    layers,
    verified: files.verified,
    blobPath: (digest) => files.path(blobName(digest)) ?? missing(digest, what),
  };
}

function missing(digest: Digest, what: string): never {
  throw new BerthError('IMAGE_INVALID', { what, why: `its blob ${digest} is missing` });
}

function layerSource(layer: Descriptor, diffId: Digest, what: string): LayerSource {
  const compression = layerCompression(layer.mediaType);
  if (compression === undefined) {
    throw new BerthError('IMAGE_INVALID', {
      what,
      why: `${layer.mediaType} is not a known kind of layer`,
      mend: 'Convert the image: skopeo copy --dest-compress-format gzip.',
    });
  }
  return { digest: layer.digest, size: layer.size, compression, diffId };
}

export function readBlob(
  files: LayoutFiles,
  descriptor: { digest: Digest; size?: number },
  what: string,
): Buffer {
  const bytes = readFile(files, blobName(descriptor.digest), what);
  if (bytes === undefined) return missing(descriptor.digest, what);
  verifyContent(bytes, descriptor, what);
  return bytes;
}

/**
 * JSON whose kind is beyond doubt: a document that could be read both as an index and as a manifest, or that calls itself
 * something else than its descriptor does, is refused (CVE-2021-41190).
 */
export function documentOf(bytes: Buffer, descriptor: { mediaType?: string }, what: string): unknown {
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
/** Where Docker, containerd and BuildKit put the whole name, the other being the tag alone. */
const wholeName = 'io.containerd.image.name';

function withTag(manifests: Descriptor[], tag: string | undefined, what: string): Descriptor[] {
  const tags = [...new Set(manifests.map((m) => m.annotations?.[refName]).filter((t) => t !== undefined))];
  const chosen = chooseTag(tags, tag, what);
  return manifests.filter((m) => chosen === undefined || m.annotations?.[refName] === chosen);
}

/** Follows indexes, for this host's platform, down to a manifest. */
function manifestOf(files: LayoutFiles, candidates: Descriptor[], what: string, depth = 0): Descriptor {
  const chosen = choosePlatform(candidates, what);
  if (isManifestType(chosen.mediaType)) return chosen;
  if (depth >= indexDepth) {
    throw new BerthError('IMAGE_HOSTILE', { what, why: `it nests more than ${indexDepth} indexes` });
  }
  const bytes = readBlob(files, chosen, what);
  const index = shaped(documentOf(bytes, chosen, what), indexShape, what, 'index');
  return manifestOf(files, index.manifests, what, depth + 1);
}
