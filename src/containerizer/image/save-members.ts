import path from 'node:path';
import { native, type PackedMember } from '../../native/index.js';
import { type Digest, hexOf } from '../../oci-spec/digest.js';
import { type Descriptor, manifestMediaType } from '../../oci-spec/image.js';
import { blobName } from './layout-files.js';
import { defaultLimits } from './limits.js';
import type { ResolvedImage } from './oci-layout.js';
import { parseReference } from './reference.js';
import type { Session } from './store.js';
import { unpackFailure } from './unpack-failure.js';
import type { WholeIndex } from './whole-index.js';

interface Named {
  image: ResolvedImage;
  names: string[];
  whole?: WholeIndex | undefined;
}

const byName = (a: PackedMember, b: PackedMember) => (a.name < b.name ? -1 : 1);

/** The files of an OCI layout with these images (image-layout.md). */
export function ociMembers(images: readonly Named[]): PackedMember[] {
  const blobs = new Map<string, PackedMember>();
  const add = (digest: Digest, content: { path: string } | { content: string }) =>
    blobs.set(digest, { name: blobName(digest), ...content });
  for (const { image, whole } of images) {
    for (const digest of whole?.blobs.keys() ?? []) add(digest, { path: image.blobPath(digest) });
    for (const { digest, bytes } of whole?.documents ?? []) add(digest, { content: bytes.toString() });
    for (const { digest } of image.layers) add(digest, { path: image.blobPath(digest) });
    add(image.manifest.config.digest, { content: image.configBytes.toString() });
    add(image.manifestDigest, { content: image.manifestBytes.toString() });
  }
  const tags = images.flatMap(({ names }) => names.map(tagOf));
  const unique = new Set(tags).size === tags.length;
  const manifests = images.flatMap(({ image, names, whole }) => {
    const descriptor = topOf(image, whole);
    if (names.length === 0) return [descriptor];
    return names.map((name) => ({
      ...descriptor,
      annotations: {
        // Docker, containerd and podman look for the whole name here; the other is the one of the specification, a tag where that is enough.
        'io.containerd.image.name': name,
        'org.opencontainers.image.ref.name': unique ? tagOf(name) : name,
      },
    }));
  });
  return [
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests }) },
    ...[...blobs.values()].sort(byName),
  ];
}

/** What the image's names are to stand for. */
function topOf(image: ResolvedImage, whole: WholeIndex | undefined): Descriptor {
  const index = whole?.documents.at(-1);
  if (index !== undefined)
    return { mediaType: index.mediaType, digest: index.digest, size: index.bytes.length };
  const { manifest, manifestDigest: digest, manifestBytes } = image;
  return { mediaType: manifest.mediaType ?? manifestMediaType, digest, size: manifestBytes.length };
}

function tagOf(name: string): string {
  const parsed = parseReference(name);
  return parsed.kind === 'stored' ? parsed.tag : name;
}

/**
 * The files of what `docker save` writes, as Docker since 1.10, podman and skopeo read it: layers are not compressed, each is there once.
 */
export async function savedMembers(
  images: readonly Named[],
  session: Session,
  what: string,
): Promise<PackedMember[]> {
  const files = new Map<string, PackedMember>();
  const index = [];
  for (const { image, names } of images) {
    const config = `${hexOf(image.manifest.config.digest)}.json`;
    files.set(config, { name: config, content: image.configBytes.toString() });
    const layers = [];
    for (const [i, layer] of image.layers.entries()) {
      const name = `${hexOf(layer.diffId)}.tar`;
      layers.push(name);
      if (files.has(name)) continue;
      files.set(name, { name, path: await plainLayer(image, i, session, what) });
    }
    index.push({ Config: config, RepoTags: names.length === 0 ? null : names, Layers: layers });
  }
  return [...[...files.values()].sort(byName), { name: 'manifest.json', content: JSON.stringify(index) }];
}

async function plainLayer(image: ResolvedImage, i: number, session: Session, what: string): Promise<string> {
  const layer = image.layers[i];
  if (layer === undefined) throw new RangeError(`layer ${i}`);
  const blob = image.blobPath(layer.digest);
  if (layer.compression === 'none') return blob;
  const output = path.join(session.directory, `${hexOf(layer.diffId)}.tar`);
  try {
    await native().transcodeBlob({
      input: blob,
      output,
      compression: layer.compression,
      digest: hexOf(layer.digest),
      diffId: hexOf(layer.diffId),
      size: layer.size,
      wanted: 'none',
      limits: defaultLimits,
    });
    return output;
  } catch (error) {
    throw unpackFailure(error, `${what}, layer ${i + 1}`);
  }
}
