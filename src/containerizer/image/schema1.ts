import { rmSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { native } from '../../native/index.js';
import { type Digest, digestOf, hexOf } from '../../oci-spec/digest.js';
import { configMediaType, type Descriptor, layerMediaType, manifestMediaType } from '../../oci-spec/image.js';
import {
  type Schema1Layer,
  schema1LayerShape,
  schema1Payload,
  schema1Shape,
} from '../../oci-spec/schema1.js';
import { parseDocument } from './documents.js';
import { defaultLimits } from './limits.js';
import { imageOf, type ResolvedImage } from './oci-layout.js';
import type { Session } from './store.js';
import { unpackFailure } from './unpack-failure.js';

/** An image as a manifest of schema 1 describes it, the lowest layer first. */
export interface Schema1Image {
  /** Of layers that change files; the same may be there twice. */
  blobs: Digest[];
  /** Its configuration, but for what its layers unpack to. */
  config: Record<string, unknown>;
}

/** What is told of each that is taken. */
export const schema1Warning =
  'its manifest is of schema 1, which Docker gave up in 2017: berth has made a new one of it, with another digest';

export function readSchema1(bytes: Buffer, what: string): Schema1Image {
  const payload = schema1Payload(bytes);
  const manifest = parseDocument(payload, schema1Shape, what, 'manifest');
  const { fsLayers, history } = manifest;
  const top = history[0];
  if (top === undefined || history.length !== fsLayers.length) {
    throw new BerthError('IMAGE_INVALID', {
      what,
      why: `its manifest has ${fsLayers.length} layers and ${history.length} histories`,
    });
  }
  const layers = history
    .map(
      ({ v1Compatibility }): Schema1Layer =>
        parseDocument(Buffer.from(v1Compatibility), schema1LayerShape, what, 'v1Compatibility'),
    )
    .reverse();
  const sums = fsLayers.map(({ blobSum }) => blobSum).reverse();
  const { config } = JSON.parse(top.v1Compatibility) as { config?: unknown };
  const { architecture, os, variant, created, author } = layers[layers.length - 1] as Schema1Layer;
  return {
    blobs: sums.filter((_, i) => layers[i]?.throwaway !== true),
    config: {
      created,
      author,
      architecture: architecture ?? manifest.architecture,
      os: os ?? 'linux',
      variant,
      ...(config === undefined || config === null ? {} : { config }),
      history: layers.map((layer) => ({
        created: layer.created,
        author: layer.author,
        created_by: layer.container_config?.Cmd?.join(' '),
        comment: layer.comment,
        ...(layer.throwaway === true ? { empty_layer: true } : {}),
      })),
    },
  };
}

/** The image with a manifest and a configuration of today's, once its blobs lie in the files that `fileOf` names. */
export async function convertSchema1(
  { blobs, config }: Schema1Image,
  fileOf: (digest: Digest) => string,
  session: Session,
  what: string,
  anyPlatform: boolean,
): Promise<ResolvedImage> {
  const layers: Descriptor[] = [];
  const diffIds: Digest[] = [];
  for (const [i, digest] of blobs.entries()) {
    const about = `${what}, layer ${i + 1} of ${blobs.length}`;
    const facts = await look(fileOf(digest), digest, session, about);
    const { compression } = facts;
    if (compression !== 'none' && compression !== 'gzip' && compression !== 'zstd')
      throw new BerthError('IMAGE_INVALID', { what: about, why: `it is ${compression}, which no image has` });
    layers.push({ mediaType: layerMediaType(compression), digest, size: facts.size });
    diffIds.push(`sha256:${facts.diffId}`);
  }
  const configBytes = Buffer.from(
    JSON.stringify({ ...config, rootfs: { type: 'layers', diff_ids: diffIds } }),
  );
  const manifest = {
    schemaVersion: 2 as const,
    mediaType: manifestMediaType,
    config: { mediaType: configMediaType, digest: digestOf(configBytes), size: configBytes.length },
    layers,
  };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  return imageOf(
    {
      place: 'the registry',
      verified: true,
      path: (name) => fileOf(`sha256:${name.slice(name.lastIndexOf('/') + 1)}`),
    },
    { manifestDigest: digestOf(manifestBytes), manifest, manifestBytes, configBytes },
    what,
    anyPlatform,
  );
}

/** What a blob unpacks to, which only reading it can tell. */
async function look(file: string, digest: Digest, session: Session, what: string) {
  const output = path.join(session.directory, `${hexOf(digest)}.looked`);
  try {
    return await native().transcodeBlob({
      input: file,
      output,
      compression: 'detect',
      digest: hexOf(digest),
      diffId: null,
      size: null,
      wanted: 'keep',
      limits: defaultLimits,
    });
  } catch (error) {
    throw unpackFailure(error, what);
  } finally {
    rmSync(output, { force: true });
  }
}
