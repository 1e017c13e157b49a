import { existsSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { native } from '../../native/index.js';
import { chainIds, type Digest, hexOf } from '../../oci-spec/digest.js';
import { writeWhole } from '../../state/atomic-file.js';
import type { Roots } from '../../state/roots.js';
import { importBlob } from './blobs.js';
import { collectAfterFailure } from './collect.js';
import { ensureLayer, markDurable } from './layers.js';
import { readNames, updateNames } from './names.js';
import { type ResolvedImage, resolveLayout, resolveManifest } from './oci-layout.js';
import type { OnProgress } from './progress.js';
import { type ImageReference, parseReference } from './reference.js';
import { requireRoot } from './root-only.js';
import { Session, storePaths } from './store.js';
import { warningsOf } from './stored-image.js';
import { unpackFailure } from './unpack-failure.js';

export interface LoadedImage {
  name: string;
  manifestDigest: Digest;
  warnings: string[];
}

/**
 * Brings an image into the store under a name, by default the layout's folder and tag, and waits until all of it is on the disk.
 */
export async function loadImage(
  roots: Roots,
  reference: string,
  options: { name?: string; onProgress?: OnProgress } = {},
): Promise<LoadedImage> {
  const parsed = parseReference(reference);
  const named = parseReference(options.name ?? defaultName(parsed));
  if (named.kind !== 'stored' || named.digest !== undefined) {
    throw new BerthError('REFERENCE_INVALID', {
      what: `name ${JSON.stringify(options.name)}`,
      why: 'an image is stored under NAME[:TAG]',
    });
  }
  const loaded = await addImage(roots, parsed, reference, named.canonical, options.onProgress ?? (() => {}));
  await native().syncFilesystem(storePaths(roots).base);
  markDurable(roots, loaded.chain);
  return { name: named.canonical, manifestDigest: loaded.manifestDigest, warnings: loaded.warnings };
}

function defaultName(parsed: ImageReference): string {
  if (parsed.kind === 'stored') return parsed.canonical;
  const name = path.basename(parsed.directory).toLowerCase();
  return `${name}:${parsed.tag ?? 'latest'}`;
}

/** Verifies and unpacks an image and gives it a name; on failure the store is as it was before. */
export async function addImage(
  roots: Roots,
  parsed: ImageReference,
  reference: string,
  name: string,
  onProgress: OnProgress,
): Promise<{ manifestDigest: Digest; chain: Digest[]; warnings: string[] }> {
  const what = `image ${reference}`;
  requireRoot(what);
  const image = resolve(roots, parsed, reference);
  const session = await openSession(roots, what);
  let added = false;
  try {
    const chain = chainIds(image.layers.map((layer) => layer.diffId));
    const warnings: string[] = [];
    for (const [i, source] of image.layers.entries()) {
      const place = { index: i + 1, count: image.layers.length };
      const about = `${what}, layer ${place.index} of ${place.count} (${source.digest.slice(0, 19)})`;
      const blob = image.blobPath(source.digest);
      const request = {
        source,
        chainId: chain[i] as Digest,
        blob,
        ownBlob: parsed.kind === 'stored',
        below: chain.slice(0, i).reverse(),
        what: about,
        place,
      };
      const layer = await ensureLayer(roots, session, request, onProgress);
      warnings.push(...warningsOf(layer));
      await importBlob(roots, session, { file: blob, digest: source.digest, size: source.size }, about);
    }
    storeDocuments(roots, image);
    await updateNames(roots, (names) => {
      const entry = {
        manifest_digest: image.manifestDigest,
        loaded_at: new Date().toISOString(),
        ...(image.indexDigest === undefined ? {} : { index_digest: image.indexDigest }),
      };
      const manifests = [...new Set([...names.manifests, image.manifestDigest])];
      return { ...names, images: { ...names.images, [name]: entry }, manifests };
    });
    added = true;
    return { manifestDigest: image.manifestDigest, chain, warnings };
  } catch (error) {
    throw unpackFailure(error, what);
  } finally {
    await session.close();
    if (!added) await collectAfterFailure(roots);
  }
}

async function openSession(roots: Roots, what: string): Promise<Session> {
  try {
    return await Session.open(roots);
  } catch (error) {
    throw unpackFailure(error, what);
  }
}

function resolve(roots: Roots, parsed: ImageReference, reference: string): ResolvedImage {
  const what = `image ${reference}`;
  if (parsed.kind === 'layout') return resolveLayout(parsed.directory, parsed.tag, what);
  const { images } = readNames(roots);
  const named = Object.hasOwn(images, parsed.canonical) ? images[parsed.canonical] : undefined;
  if (named === undefined) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what,
      why: 'it is not in the store',
      mend: 'See berth image ls.',
    });
  }
  return resolveManifest(storePaths(roots).base, { digest: named.manifest_digest }, what);
}

function storeDocuments(roots: Roots, image: ResolvedImage): void {
  const { blobs } = storePaths(roots);
  const keep = (digest: Digest, bytes: Buffer): void => {
    const file = path.join(blobs, hexOf(digest));
    if (!existsSync(file)) writeWhole(file, bytes);
  };
  keep(image.manifest.config.digest, image.configBytes);
  keep(image.manifestDigest, image.manifestBytes);
}
