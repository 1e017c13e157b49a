import {
  configMediaType,
  type Descriptor,
  type ImageManifest,
  layerCompression,
  layerMediaType,
  manifestMediaType,
} from '../../oci-spec/image.js';
import type { ResolvedImage } from './oci-layout.js';

export const pushFormats = ['oci', 'docker'] as const;
export type PushFormat = (typeof pushFormats)[number];

const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';
const dockerConfig = 'application/vnd.docker.container.image.v1+json';

/** The manifest in a format; without one, or in its own, it stays as it is, byte for byte. Only the words for its kind and parts change, no blob does. */
export function inFormat(
  { manifest, manifestBytes }: ResolvedImage,
  format: PushFormat | undefined,
): { manifest: ImageManifest; bytes: Buffer } {
  const own = manifest.mediaType === dockerManifest ? 'docker' : 'oci';
  if (format === undefined || format === own) return { manifest, bytes: manifestBytes };
  const docker = format === 'docker';
  const converted: ImageManifest = {
    schemaVersion: 2,
    mediaType: docker ? dockerManifest : manifestMediaType,
    config: { ...plain(manifest.config), mediaType: docker ? dockerConfig : configMediaType },
    layers: manifest.layers.map((layer) => ({ ...plain(layer), mediaType: layerType(layer, docker) })),
  };
  return { manifest: converted, bytes: Buffer.from(JSON.stringify(converted)) };
}

const plain = ({ digest, size }: Descriptor) => ({ digest, size });

function layerType({ mediaType }: Descriptor, docker: boolean): string {
  const compression = layerCompression(mediaType) ?? 'none';
  if (!docker) return layerMediaType(compression);
  return `application/vnd.docker.image.rootfs.diff.tar${compression === 'none' ? '' : `.${compression}`}`;
}
