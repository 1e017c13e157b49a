import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import { type Descriptor, indexShape, isIndexType, isManifestType } from '../../oci-spec/image.js';
import { schema1Types } from '../../oci-spec/schema1.js';
import { discard } from '../registry/body.js';
import { answerBytes } from '../registry/limits.js';
import { fetchManifest, fetchSmallBlob, type RemoteDocument } from '../registry/manifests.js';
import type { Repository } from '../registry/repository.js';
import { shaped } from './documents.js';
import { indexDepth } from './limits.js';
import { documentOf, imageOf, manifestIn, type ResolvedImage } from './oci-layout.js';
import { choosePlatform, mustBeFor, type PlatformLike } from './platform.js';
import { readSchema1, type Schema1Image } from './schema1.js';

/** The documents of an image in a registry, verified. */
export interface RemoteImage {
  /** Of the index that its manifest was chosen from. */
  indexDigest: Digest | undefined;
  manifestDigest: Digest;
  /** What the name stands for: an index, or the manifest itself. */
  top: RemoteDocument;
  /** It is of schema 1: the image has to be made, when its blobs are here. */
  schema1?: Schema1Image;
  /** The image, its layers' blobs in the files that `fileOf` names. */
  image(fileOf: (digest: Digest) => string): ResolvedImage;
}

/** Finds the manifest for a platform, by default this host's, and fetches its configuration. */
export async function resolveRemote(
  repository: Repository,
  { tag, digest }: { tag: string; digest: Digest | undefined },
  platform: PlatformLike | undefined,
  what: string,
): Promise<RemoteImage> {
  const top = await fetchManifest(repository, digest === undefined ? { tag } : { digest }, what);
  if (schema1Types.has(top.mediaType)) {
    const image = (): never => {
      throw new TypeError('its blobs say what it is');
    };
    return {
      indexDigest: undefined,
      manifestDigest: top.digest,
      top,
      schema1: readSchema1(top.bytes, what),
      image,
    };
  }
  const found = await manifestOf(repository, top, platform, what);
  const manifest = manifestIn(found.bytes, { mediaType: found.mediaType }, what);
  for (const [i, layer] of manifest.layers.entries())
    await mustBeThere(repository, layer, `${what}, layer ${i + 1}`);
  const configBytes = await fetchSmallBlob(repository, manifest.config, what);
  const documents = { manifestDigest: found.digest, manifest, manifestBytes: found.bytes, configBytes };
  return {
    indexDigest: found === top ? undefined : top.digest,
    manifestDigest: found.digest,
    top,
    image: (fileOf) => {
      // What a blob's file is called in a layout ends in the digest's digits.
      const file = (name: string) => fileOf(`sha256:${name.slice(name.lastIndexOf('/') + 1)}`);
      const files = { place: repository.endpoint.origin, verified: true, path: file };
      const image = imageOf(files, documents, what, platform !== undefined);
      if (found === top) mustBeFor(image.config, platform, what);
      return image;
    },
  };
}

/** Follows indexes down to a manifest. */
async function manifestOf(
  repository: Repository,
  document: RemoteDocument,
  platform: PlatformLike | undefined,
  what: string,
  depth = 0,
): Promise<RemoteDocument> {
  if (isManifestType(document.mediaType)) return document;
  if (!isIndexType(document.mediaType)) {
    throw new BerthError('IMAGE_INVALID', {
      what,
      why: `${JSON.stringify(document.mediaType)} is not a known kind of manifest`,
    });
  }
  if (depth > indexDepth) {
    throw new BerthError('IMAGE_HOSTILE', { what, why: `it nests more than ${indexDepth} indexes` });
  }
  const index = shaped(
    documentOf(document.bytes, { mediaType: document.mediaType }, what),
    indexShape,
    what,
    'index',
  );
  const chosen = choosePlatform(index.manifests, what, platform);
  const next = await fetchManifest(repository, { digest: chosen.digest }, what);
  if (next.bytes.length !== chosen.size) {
    throw new BerthError('IMAGE_CORRUPT', {
      what,
      why: `${chosen.digest} should have ${chosen.size} bytes and has ${next.bytes.length}`,
    });
  }
  // What the index calls it counts: a document that calls itself something else is refused where it is read.
  return manifestOf(repository, { ...next, mediaType: chosen.mediaType }, platform, what, depth + 1);
}

/** Windows images keep their base layers where their vendor has them, for its own hosts alone. A registry of somebody's own may have them all the same. */
async function mustBeThere(
  repository: Repository,
  { mediaType, digest, urls }: Descriptor,
  what: string,
): Promise<void> {
  if (!/\.foreign\.|nondistributable/.test(mediaType)) return;
  const answer = await repository.ask({
    method: 'HEAD',
    at: `blobs/${digest}`,
    expect: [200, 403, 404, 405],
    what,
  });
  await discard(answer, answerBytes, repository.transport.limits);
  if (answer.status === 200) return;
  const [place] = urls ?? [];
  throw new BerthError('IMAGE_INVALID', {
    what,
    why: `it is a foreign layer, which its registry does not give${place === undefined ? '' : `: it is at ${place}`}`,
    mend: 'Copy the image with its foreign layers to a registry of your own, and pull it from there.',
  });
}
