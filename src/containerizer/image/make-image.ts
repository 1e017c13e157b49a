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

type Config = Omit<ImageConfig, 'architecture' | 'os' | 'rootfs'>;

/** An image of the layers of `base`, if there is one, and one more. `config` says all but which layers it has. */
export function makeImage(
  made: MadeLayer,
  config: Config,
  base: ResolvedImage | undefined,
  what: string,
): ResolvedImage {
  return stackImage(base === undefined ? [] : [base], [made], config, what);
}

/** An image of the layers of `bases`, the lowest first, and above them those that were made. */
export function stackImage(
  bases: readonly ResolvedImage[],
  made: readonly MadeLayer[],
  config: Config,
  what: string,
): ResolvedImage {
  const { architecture, os, variant } = bases.at(-1)?.config ?? hostPlatform();
  const whole: ImageConfig = {
    ...config,
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    rootfs: {
      type: 'layers',
      diff_ids: [
        ...bases.flatMap((base) => base.config.rootfs.diff_ids),
        ...made.map(({ diffId }): Digest => `sha256:${diffId}`),
      ],
    },
  };
  const configBytes = Buffer.from(JSON.stringify(whole));
  const own = made.map(
    ({ digest, size, compression }): Descriptor => ({
      mediaType: layerMediaType(compression),
      digest: `sha256:${digest}`,
      size,
    }),
  );
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: manifestMediaType,
    config: { mediaType: configMediaType, digest: digestOf(configBytes), size: configBytes.length },
    layers: [...bases.flatMap((base) => base.manifest.layers), ...own],
  };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  const places = new Map<string, () => string>();
  for (const base of bases)
    for (const { digest } of base.layers) places.set(blobName(digest), () => base.blobPath(digest));
  for (const { digest, file } of made) places.set(blobName(`sha256:${digest}`), () => file);
  const files = { place: what, verified: true, path: (name: string) => places.get(name)?.() };
  return imageOf(
    files,
    { manifestDigest: digestOf(manifestBytes), manifest, manifestBytes, configBytes },
    what,
  );
}
