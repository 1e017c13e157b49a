import { type Digest, digestPattern } from './digest.js';
import { constant, flag, integer, list, map, type Of, object, type Shape, text } from './shape.js';

/** OCI image-spec 1.1 documents, and the Docker ones of the same shape (manifest schema 2). */

const digest = text({ pattern: digestPattern, expected: 'a sha256 digest' }) as Shape<Digest>;

export const platformShape = object(
  { architecture: text(), os: text() },
  { 'os.version': text(), 'os.features': list(text()), variant: text() },
);

export const descriptorShape = object(
  { mediaType: text(), digest, size: integer() },
  { annotations: map(text()), platform: platformShape, urls: list(text()), artifactType: text() },
);

/** image-layout.md: the file `oci-layout`. */
export const layoutShape = object({ imageLayoutVersion: constant('1.0.0') }, {});

/** image-index.md. Readers bound what they follow; this bounds what they hold. */
export const indexShape = object(
  { schemaVersion: constant(2), manifests: list(descriptorShape) },
  { mediaType: text(), annotations: map(text()) },
);

/** manifest.md. overlayfs takes 500 layers at most. */
export const manifestShape = object(
  { schemaVersion: constant(2), config: descriptorShape, layers: list(descriptorShape, 500) },
  { mediaType: text(), annotations: map(text()), artifactType: text(), subject: descriptorShape },
);

const environment = text({ pattern: /^[^=]+=/, expected: 'NAME=VALUE' });

const healthcheck = object(
  {},
  {
    Test: list(text()),
    Interval: integer(),
    Timeout: integer(),
    StartPeriod: integer(),
    StartInterval: integer(),
    Retries: integer(),
  },
);

/** config.md, with Docker's Healthcheck. What an image states here is data: none of it selects how berth isolates. */
export const imageConfigShape = object(
  {
    architecture: text(),
    os: text(),
    rootfs: object({ type: constant('layers'), diff_ids: list(digest, 500) }, {}),
  },
  {
    created: text(),
    author: text(),
    variant: text(),
    'os.version': text(),
    config: object(
      {},
      {
        User: text(),
        ExposedPorts: map(object({}, {})),
        Env: list(environment),
        Entrypoint: list(text()),
        Cmd: list(text()),
        Volumes: map(object({}, {})),
        WorkingDir: text(),
        Labels: map(text()),
        StopSignal: text(),
        ArgsEscaped: flag,
        Healthcheck: healthcheck,
        Shell: list(text()),
      },
    ),
    history: list(
      object({}, { created: text(), author: text(), created_by: text(), comment: text(), empty_layer: flag }),
    ),
  },
);

export type Platform = Of<typeof platformShape>;
export type Descriptor = Of<typeof descriptorShape>;
export type ImageIndex = Of<typeof indexShape>;
export type ImageManifest = Of<typeof manifestShape>;
export type ImageConfig = Of<typeof imageConfigShape>;

export const indexTypes = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
export const manifestTypes = new Set([
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]);
const configTypes = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]);
export type LayerCompression = 'none' | 'gzip' | 'zstd';
const layerTypes: Record<string, LayerCompression> = {
  'application/vnd.oci.image.layer.v1.tar': 'none',
  'application/vnd.oci.image.layer.v1.tar+gzip': 'gzip',
  'application/vnd.oci.image.layer.v1.tar+zstd': 'zstd',
  'application/vnd.oci.image.layer.nondistributable.v1.tar': 'none',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip': 'gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd': 'zstd',
  'application/vnd.docker.image.rootfs.diff.tar': 'none',
  'application/vnd.docker.image.rootfs.diff.tar.gzip': 'gzip',
  'application/vnd.docker.image.rootfs.diff.tar.zstd': 'zstd',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip': 'gzip',
};

export const indexMediaType = 'application/vnd.oci.image.index.v1+json';
export const manifestMediaType = 'application/vnd.oci.image.manifest.v1+json';
export const configMediaType = 'application/vnd.oci.image.config.v1+json';

/** The OCI media type of a layer so compressed. */
export function layerMediaType(compression: LayerCompression): string {
  return `application/vnd.oci.image.layer.v1.tar${compression === 'none' ? '' : `+${compression}`}`;
}

export const isIndexType = (mediaType: string): boolean => indexTypes.has(mediaType);
export const isManifestType = (mediaType: string): boolean => manifestTypes.has(mediaType);
export const isConfigType = (mediaType: string): boolean => configTypes.has(mediaType);

/** How a layer of that media type is compressed; undefined when berth cannot read it. */
export function layerCompression(mediaType: string): LayerCompression | undefined {
  return Object.hasOwn(layerTypes, mediaType) ? layerTypes[mediaType] : undefined;
}
