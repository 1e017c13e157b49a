import { statSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { chainIds, type Digest, digestOf } from '../../oci-spec/digest.js';
import type { ImageConfig, ImageManifest } from '../../oci-spec/image.js';
import type { Roots } from '../../state/roots.js';
import { readDocument, verifyContent } from './documents.js';
import { layerFs, readLayer, type StoredLayer } from './layers.js';
import { type NamedImage, readNames } from './names.js';
import { blobPath, layoutIndexPath } from './oci-layout.js';
import type { OnProgress } from './progress.js';
import { type ImageReference, parseReference } from './reference.js';
import { storePaths } from './store.js';

/** An image that is ready to be a container's root file system. */
export interface ProvidedImage {
  /** As it was asked for. */
  reference: string;
  /** What to call it: `NAME:TAG`, or the layout's reference with its absolute path. */
  name: string;
  manifestDigest: Digest;
  config: ImageConfig;
  /** Directories for overlayfs's lowerdir, topmost first. Ids in them are 0 to 65535, as the image has them. */
  layers: string[];
  /** What was left out of the image, in words. */
  warnings: string[];
}

export interface ProvideOptions {
  onProgress?: OnProgress;
}

/**
 * Makes sure that an image is verified and unpacked. When it is there already this reads a handful of small files; else it is
 * taken from the layout that the reference names. An image must not be removed before a container of it is recorded: callers
 * that launch write their container's record, with the manifest digest, before they need the layers to stay.
 */
export async function provideImage(
  roots: Roots,
  reference: string,
  options: ProvideOptions = {},
): Promise<ProvidedImage> {
  const parsed = parseReference(reference);
  const named = lookUp(roots, parsed, reference);
  const ready = named && readReady(roots, named.manifest_digest, reference);
  if (ready !== undefined) return { reference, name: parsed.canonical, ...ready };

  const { addImage } = await import('./load.js');
  const { manifestDigest } = await addImage(
    roots,
    parsed,
    reference,
    parsed.canonical,
    options.onProgress ?? (() => {}),
  );
  const made = readReady(roots, manifestDigest, reference);
  if (made === undefined) {
    throw new BerthError('STATE_DAMAGED', {
      what: `image ${reference}`,
      why: 'it was removed while it was being loaded',
    });
  }
  return { reference, name: parsed.canonical, ...made };
}

/** The store's record of a reference, if it holds for what is there now. */
export function lookUp(roots: Roots, parsed: ImageReference, reference: string): NamedImage | undefined {
  const { images } = readNames(roots);
  const named = Object.hasOwn(images, parsed.canonical) ? images[parsed.canonical] : undefined;
  if (parsed.kind === 'layout') {
    // The tag may have moved: only the very index.json that was followed before needs no second look.
    const index = named && readDocument(layoutIndexPath(parsed.directory), `image ${reference}`);
    return index !== undefined && digestOf(index) === named?.index_digest ? named : undefined;
  }
  if (named === undefined) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what: `image ${reference}`,
      why: 'it is not in the store',
      mend: 'See berth image ls, or load it: berth image load oci:DIR[:TAG] NAME.',
    });
  }
  if (parsed.digest !== undefined && parsed.digest !== named.manifest_digest) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what: `image ${reference}`,
      why: `${parsed.canonical} is ${named.manifest_digest} in the store`,
    });
  }
  return named;
}

type Ready = Pick<ProvidedImage, 'manifestDigest' | 'config' | 'layers' | 'warnings'>;

/** The image from the store's own files, or undefined when a part of it is missing. */
function readReady(roots: Roots, manifestDigest: Digest, reference: string): Ready | undefined {
  const stored = readStored(roots, manifestDigest, reference);
  if (stored === undefined) return undefined;
  const chain = chainIds(stored.config.rootfs.diff_ids);
  const layers: string[] = [];
  const warnings: string[] = [];
  let hidden = false;
  for (const chainId of chain.reverse()) {
    const layer = readLayer(roots, chainId);
    if (layer === undefined) return undefined;
    const directory = layerFs(roots, chainId);
    if (statSync(directory, { throwIfNoEntry: false }) === undefined) return undefined;
    if (!hidden) layers.push(directory);
    hidden ||= layer.root_opaque;
    warnings.push(...warningsOf(layer));
  }
  return { manifestDigest, config: stored.config, layers, warnings };
}

/**
 * Manifest and configuration, checked against their digests. They were validated before they came into the store, so bytes with
 * the same digest need no second validation.
 */
export function readStored(
  roots: Roots,
  manifestDigest: Digest,
  reference: string,
): { manifest: ImageManifest; config: ImageConfig } | undefined {
  const read = (digest: Digest): Buffer | undefined => {
    const bytes = readDocument(blobPath(storePaths(roots).base, digest), `image ${reference}`);
    if (bytes !== undefined) verifyContent(bytes, { digest }, `image ${reference}`);
    return bytes;
  };
  const manifestBytes = read(manifestDigest);
  if (manifestBytes === undefined) return undefined;
  const manifest = JSON.parse(manifestBytes.toString()) as ImageManifest;
  const configBytes = read(manifest.config.digest);
  if (configBytes === undefined) return undefined;
  return { manifest, config: JSON.parse(configBytes.toString()) as ImageConfig };
}

export function warningsOf(
  layer: Pick<StoredLayer, 'diff_id' | 'devices_skipped' | 'xattrs_skipped'>,
): string[] {
  const about = `layer ${layer.diff_id.slice(0, 19)}`;
  const warnings: string[] = [];
  if (layer.devices_skipped > 0) {
    warnings.push(`${about}: ${layer.devices_skipped} device nodes left out: a container gets its own /dev`);
  }
  if (layer.xattrs_skipped > 0) {
    warnings.push(
      `${about}: ${layer.xattrs_skipped} extended attributes left out: reserved, or unknown to the file system`,
    );
  }
  return warnings;
}
