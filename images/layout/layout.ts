import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { hostPlatform } from '../../src/containerizer/image/platform.js';
import { digestOf, hexOf } from '../../src/oci-spec/digest.js';
import type { Descriptor, ImageConfig, ImageIndex, ImageManifest } from '../../src/oci-spec/image.js';
import { type LayerEntry, writeLayer } from './layer.js';

export interface ImageContent {
  /** Lowest first. */
  layers: readonly (readonly LayerEntry[])[];
  config: NonNullable<ImageConfig['config']>;
  tag: string;
}

/**
 * Writes an image for this machine as an OCI layout (image-layout.md) into a new folder. Nothing in it tells of the time or the
 * place it was made: the same content gives the same digests.
 */
export async function writeLayout(
  directory: string,
  content: ImageContent,
  signal?: AbortSignal,
): Promise<void> {
  const blobs = path.join(directory, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const layers = [];
  for (const entries of content.layers) layers.push(await writeLayer(blobs, entries, signal));
  const { os, architecture } = hostPlatform();
  const config: ImageConfig = {
    architecture,
    os,
    config: content.config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  };
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: writeBlob(blobs, 'application/vnd.oci.image.config.v1+json', config),
    layers: layers.map(({ descriptor }) => descriptor),
  };
  const index: ImageIndex = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...writeBlob(blobs, 'application/vnd.oci.image.manifest.v1+json', manifest),
        annotations: { 'org.opencontainers.image.ref.name': content.tag },
      },
    ],
  };
  writeFileSync(path.join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  writeFileSync(path.join(directory, 'index.json'), JSON.stringify(index));
}

function writeBlob(blobs: string, mediaType: string, document: unknown): Descriptor {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = digestOf(bytes);
  writeFileSync(path.join(blobs, hexOf(digest)), bytes);
  return { mediaType, digest, size: bytes.length };
}
