import { closeSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { type Compression, native } from '../../native/index.js';
import { type Digest, digestOf } from '../../oci-spec/digest.js';
import {
  configMediaType,
  type Descriptor,
  type ImageManifest,
  imageConfigShape,
  indexShape,
  isManifestType,
  layerMediaType,
  manifestMediaType,
} from '../../oci-spec/image.js';
import { list, type Of, object, text } from '../../oci-spec/shape.js';
import type { ArchiveFile, ArchiveFiles } from './archive-files.js';
import { parseDocument, readDocument } from './documents.js';
import { blobName, type LayoutFiles } from './layout-files.js';
import { defaultLimits, indexDocuments } from './limits.js';
import { imageOf, type ResolvedImage, readFile, resolveManifest } from './oci-layout.js';
import type { Session } from './store.js';
import { unpackFailure } from './unpack-failure.js';

/** `manifest.json` of an archive that `docker save` made (moby, image/tarexport): one element for each image. */
const savedShape = list(
  object({ Config: text(), Layers: list(text(), 500) }, { RepoTags: list(text()) }),
  1000,
);
export type SavedImage = Of<typeof savedShape>[number];

export const savedIndex = 'manifest.json';

/** An archive of something else is told as such, whatever it was taken for. */
export function mustHoldImages(files: ArchiveFiles, what: string): void {
  if (files.has(savedIndex) || files.has('oci-layout') || files.has('repositories')) return;
  if (files.empty) throw new BerthError('IMAGE_INVALID', { what, why: 'it is empty' });
  throw new BerthError('IMAGE_INVALID', {
    what,
    why: `it is no archive of images: it has neither ${savedIndex}, as docker save writes it, nor oci-layout`,
    mend: 'If it is a root file system: berth image import FILE NAME.',
  });
}

export function savedImages(files: ArchiveFiles, what: string): SavedImage[] {
  const bytes = readFile(files, savedIndex, what);
  if (bytes !== undefined) return parseDocument(bytes, savedShape, what, savedIndex);
  throw new BerthError('IMAGE_INVALID', {
    what,
    why: `it is not an archive of docker save: it has no ${savedIndex}`,
    ...(files.has('repositories')
      ? { mend: 'It was made by Docker before 1.10: load and save it again with a newer one.' }
      : files.has('oci-layout')
        ? { mend: 'It is an OCI archive: use oci-archive:FILE.' }
        : {}),
  });
}

/**
 * One image of such an archive. Its manifest is the one that the archive's own index has for the same configuration, as newer Dockers
 * write it, else it is made from what is there; either way every digest is that of the content.
 */
export async function resolveSaved(
  files: ArchiveFiles,
  session: Session,
  saved: SavedImage,
  what: string,
): Promise<ResolvedImage> {
  const configFile = fileOf(files, saved.Config, what);
  const configBytes = readDocument(configFile.path, what) ?? missing(saved.Config, what);
  const config = parseDocument(configBytes, imageConfigShape, what, 'configuration');
  const configDigest = digestOf(configBytes);
  const original = originalManifest(files, configDigest, what);
  if (original !== undefined) return resolveManifest(files, original, what);

  const blobs = new Map<Digest, string>();
  const layers: Descriptor[] = [];
  for (const [i, name] of saved.Layers.entries()) {
    const layer = await blobOf(fileOf(files, name, what), session, `${what}, layer ${i + 1}`);
    const digest: Digest = `sha256:${layer.digest}`;
    blobs.set(digest, layer.path);
    layers.push({ mediaType: layerMediaType(layer.compression), digest, size: layer.size });
  }
  if (layers.length !== config.rootfs.diff_ids.length) {
    throw new BerthError('IMAGE_INVALID', {
      what,
      why: `its ${savedIndex} has ${layers.length} layers and its configuration ${config.rootfs.diff_ids.length}`,
    });
  }
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: manifestMediaType,
    config: { mediaType: configMediaType, digest: configDigest, size: configBytes.length },
    layers,
  };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  const byDigest = new Map([...blobs].map(([digest, file]) => [blobName(digest), file]));
  const source: LayoutFiles = { place: files.place, verified: true, path: (name) => byDigest.get(name) };
  return imageOf(
    source,
    { manifestDigest: digestOf(manifestBytes), manifest, manifestBytes, configBytes },
    what,
  );
}

function fileOf(files: ArchiveFiles, name: string, what: string): ArchiveFile {
  return files.find(path.posix.normalize(name)) ?? missing(name, what);
}

function missing(name: string, what: string): never {
  throw new BerthError('IMAGE_INVALID', { what, why: `its member ${JSON.stringify(name)} is missing` });
}

/** The manifest of the archive's OCI index that has that very configuration. */
function originalManifest(files: ArchiveFiles, config: Digest, what: string): Descriptor | undefined {
  const known = manifestsByConfig.get(files) ?? readManifests(files, what);
  manifestsByConfig.set(files, known);
  return known.get(config);
}

const manifestsByConfig = new WeakMap<ArchiveFiles, Map<unknown, Descriptor>>();

/** Each is read once, however many images there are and however often it is named. */
function readManifests(files: ArchiveFiles, what: string): Map<unknown, Descriptor> {
  const found = new Map<unknown, Descriptor>();
  const bytes = files.has('oci-layout') ? readFile(files, 'index.json', what) : undefined;
  if (bytes === undefined) return found;
  const { manifests } = parseDocument(bytes, indexShape, what, 'index.json');
  const read = new Set<Digest>();
  for (const descriptor of manifests) {
    if (!isManifestType(descriptor.mediaType) || read.has(descriptor.digest)) continue;
    if (read.size >= indexDocuments) {
      throw new BerthError('IMAGE_HOSTILE', {
        what,
        why: `its index leads to more than ${indexDocuments} manifests`,
      });
    }
    read.add(descriptor.digest);
    const manifest = readFile(files, blobName(descriptor.digest), what);
    const config = manifest && configOf(manifest);
    if (config !== undefined && !found.has(config)) found.set(config, descriptor);
  }
  return found;
}

function configOf(manifest: Buffer): unknown {
  try {
    return (JSON.parse(manifest.toString()) as { config?: { digest?: unknown } } | null)?.config?.digest;
  } catch {
    // It is refused with its reason if it is the one that is needed: then nothing else fits.
    return undefined;
  }
}

const kinds: [Compression, Buffer][] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['xz', Buffer.from('\xfd7zXZ\0', 'latin1')],
  ['bzip2', Buffer.from('BZh')],
];

type Blob = ArchiveFile & { compression: 'none' | 'gzip' | 'zstd' };

/** A layer as a blob that a manifest can name: what manifests have no word for is decompressed. */
async function blobOf(file: ArchiveFile, session: Session, what: string): Promise<Blob> {
  const compression = compressionOf(file.path);
  if (compression === 'none' || compression === 'gzip' || compression === 'zstd')
    return { ...file, compression };
  const output = path.join(session.directory, `${file.digest}.tar`);
  try {
    const facts = await native().transcodeBlob({
      input: file.path,
      output,
      compression,
      digest: file.digest,
      diffId: null,
      size: null,
      wanted: 'none',
      limits: defaultLimits,
    });
    return { path: output, digest: facts.digest, size: facts.size, compression: 'none' };
  } catch (error) {
    throw unpackFailure(error, what);
  }
}

function compressionOf(file: string): Compression {
  const start = Buffer.alloc(6);
  const fd = openSync(file, 'r');
  try {
    readSync(fd, start, 0, start.length, 0);
  } finally {
    closeSync(fd);
  }
  return kinds.find(([, magic]) => start.subarray(0, magic.length).equals(magic))?.[0] ?? 'none';
}
