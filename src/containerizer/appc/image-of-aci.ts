import type { AppcImageManifest } from '../../appc-spec/image-manifest.js';
import { type Digest, digestOf } from '../../oci-spec/digest.js';
import {
  configMediaType,
  type ImageConfig,
  type ImageManifest,
  layerMediaType,
  manifestMediaType,
} from '../../oci-spec/image.js';
import { blobName } from '../image/layout-files.js';
import { imageOf, type ResolvedImage } from '../image/oci-layout.js';
import { configOf } from './app-config.js';
import type { ReadAci } from './read-aci.js';

/** An ACI and what it depends on, lowest first and itself last, as an image of one layer each. */
export function imageOfAci(rendered: readonly ReadAci[], what: string): ResolvedImage {
  const own = rendered.at(-1);
  if (own === undefined) throw new RangeError('an image has a layer');
  const config: ImageConfig = {
    ...configOf(own.manifest),
    rootfs: { type: 'layers', diff_ids: rendered.map(({ layer }) => `sha256:${layer.diffId}` as Digest) },
    history: rendered.map(({ id, manifest }) => ({ created_by: `appc ${manifest.name} ${id.slice(0, 31)}` })),
  };
  const configBytes = Buffer.from(JSON.stringify(config));
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: manifestMediaType,
    config: { mediaType: configMediaType, digest: digestOf(configBytes), size: configBytes.length },
    layers: rendered.map(({ layer }) => ({
      mediaType: layerMediaType('gzip'),
      digest: `sha256:${layer.digest}` as Digest,
      size: layer.size,
    })),
    // For people, and so that no two ACIs ever become one image: isolators and handlers are in neither document.
    annotations: { 'appc.io/image-id': own.id },
  };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  const files = new Map(rendered.map(({ layer }) => [blobName(`sha256:${layer.digest}`), layer.file]));
  return imageOf(
    { place: what, verified: true, path: (name) => files.get(name) },
    { manifestDigest: digestOf(manifestBytes), manifest, manifestBytes, configBytes },
    what,
  );
}

/** What the store calls an ACI by what it says of itself. */
export function appcName({ name, labels = [] }: Pick<AppcImageManifest, 'name' | 'labels'>): string {
  const version = labels.find((label) => label.name === 'version')?.value;
  return `appc:${name}${version === undefined ? '' : `:${version}`}`;
}
