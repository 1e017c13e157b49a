import type { Digest } from '../../oci-spec/digest.js';
import { digestOf } from '../../oci-spec/digest.js';
import {
  configMediaType,
  type Descriptor,
  type ImageConfig,
  type ImageManifest,
  type LayerCompression,
  layerMediaType,
  manifestMediaType,
} from '../../oci-spec/image.js';
import { blobName } from './layout-files.js';
import { imageOf, type ResolvedImage } from './oci-layout.js';
import { hostPlatform } from './platform.js';

/** A layer that was made here: its blob in a file, SHA-256 digests as 64 hexadecimal digits. */
export interface MadeLayer {
  file: string;
  digest: string;
  size: number;
  diffId: string;
  compression: LayerCompression;
}

/** An image of the layers of `base`, if there is one, and one more. `config` says all but which layers it has. */
export function makeImage(
  made: MadeLayer,
  config: Omit<ImageConfig, 'architecture' | 'os' | 'rootfs'>,
  base: ResolvedImage | undefined,
  what: string,
): ResolvedImage {
  const digest: Digest = `sha256:${made.digest}`;
  const { architecture, os, variant } = base?.config ?? hostPlatform();
  const whole: ImageConfig = {
    ...config,
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    rootfs: { type: 'layers', diff_ids: [...(base?.config.rootfs.diff_ids ?? []), `sha256:${made.diffId}`] },
  };
  const configBytes = Buffer.from(JSON.stringify(whole));
  const layer: Descriptor = { mediaType: layerMediaType(made.compression), digest, size: made.size };
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: manifestMediaType,
    config: { mediaType: configMediaType, digest: digestOf(configBytes), size: configBytes.length },
    layers: [...(base?.manifest.layers ?? []), layer],
  };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  const own = blobName(digest);
  const files = {
    place: what,
    verified: true,
    path: (name: string) =>
      name === own ? made.file : base?.blobPath(`sha256:${name.slice('blobs/sha256/'.length)}`),
  };
  return imageOf(
    files,
    { manifestDigest: digestOf(manifestBytes), manifest, manifestBytes, configBytes },
    what,
  );
}
