import { BerthError } from '../../errors/berth-error.js';
import { chainIds, type Digest } from '../../oci-spec/digest.js';
import type { ImageConfig } from '../../oci-spec/image.js';
import type { Roots } from '../../state/roots.js';
import { type AppcImage, appcImage } from '../appc/appc-image.js';
import { admit, mayRun, type PolicyOptions } from '../policy/admit.js';
import { noSignatures } from '../policy/signatures.js';
import { readNames } from './names.js';
import { findLayer, type MountedLayer, mountedLayer } from './open-layer.js';
import type { PlatformLike } from './platform.js';
import type { OnProgress } from './progress.js';
import { type ImageReference, parseReference } from './reference.js';
import { storedWholeName } from './short-names.js';
import { readStored } from './stored-documents.js';
import { isStored, lookUp, warningsOf } from './stored-image.js';

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
  /** Those of them that are mounted for a launch. */
  mounted?: MountedLayer[];
  /** Of a `dir:` image: the folder, which lies below the layers. */
  tree?: string;
  /** Of an App Container Image: what is to be done for it at a launch. */
  appc?: AppcImage;
  /** A policy has asked for something of it, and may do so again. */
  judged?: boolean;
  /** registries.conf has said which image is meant, and may say otherwise next time. */
  configured?: boolean;
  /** What was left out of the image, in words. */
  warnings: string[];
}

/** Whether a name that the store has is asked for again, or one that it lacks is asked for at all, at its registry. */
export type PullPolicy = 'always' | 'missing' | 'never';

export interface ProvideOptions extends PolicyOptions {
  onProgress?: OnProgress;
  /** By default `never`: only what this host has. */
  pull?: PullPolicy | undefined;
  /** What is pulled is to be for that; by default this host's. */
  platform?: PlatformLike | undefined;
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
  const what = `image ${reference}`;
  /** What is about to be run, by what the store knows of it. An App Container Image has rules of its own. */
  const judge = async (name: string, { appc }: Partial<Ready>, named = readNames(roots).images[name]) =>
    appc === undefined && named !== undefined && (await mayRun(roots, named, options, what))
      ? { judged: true }
      : {};
  if (parsed.kind === 'tree') {
    await admit(parsed.canonical, [], noSignatures, options, what);
    return (await import('./plain-tree.js')).provideTree(parsed.directory, reference);
  }
  if (parsed.kind === 'stored' && options.pull !== 'always' && !isStored(roots, parsed, reference)) {
    const whole = await storedWholeName(roots, parsed, options.environment ?? process.env);
    if (whole !== undefined && whole !== parsed.canonical)
      return { ...(await provideImage(roots, whole, options)), reference, configured: true };
  }
  if ((parsed.kind === 'stored' || parsed.kind === 'appc') && mustPull(roots, parsed, reference, options)) {
    const { pullImage } = await import('./pull.js');
    const { name, manifestDigest } = await pullImage(roots, reference, options);
    const pulled = readReady(roots, manifestDigest, reference, options);
    if (pulled !== undefined)
      return {
        reference,
        name,
        ...pulled,
        ...(await judge(name, pulled)),
        ...(name === parsed.canonical ? {} : { configured: true }),
      };
  }
  const named = lookUp(roots, parsed, reference);
  const ready = named && readReady(roots, named.manifest_digest, reference, options);
  if (ready !== undefined)
    return { reference, name: parsed.canonical, ...ready, ...(await judge(parsed.canonical, ready, named)) };
  // A layer of it is missing, and made again; that makes it no other image.
  if (parsed.kind === 'stored' && named !== undefined) await judge(parsed.canonical, {}, named);

  const { addImage } = await import('./load.js');
  const { manifestDigest } = await addImage(
    roots,
    parsed,
    reference,
    parsed.canonical,
    options.onProgress ?? (() => {}),
    { ...options, offline: options.pull === undefined || options.pull === 'never' },
  );
  const made = readReady(roots, manifestDigest, reference, options);
  if (made === undefined) {
    throw new BerthError('STATE_DAMAGED', {
      what,
      why: 'it was removed while it was being loaded',
    });
  }
  return { reference, name: parsed.canonical, ...made, ...(await judge(parsed.canonical, made)) };
}

function mustPull(
  roots: Roots,
  parsed: ImageReference,
  reference: string,
  { pull = 'never' }: ProvideOptions,
): boolean {
  if (pull === 'never') return false;
  return pull === 'always' || !isStored(roots, parsed, reference);
}

type Ready = Pick<ProvidedImage, 'manifestDigest' | 'config' | 'layers' | 'mounted' | 'warnings' | 'appc'>;

/** The image from the store's own files, or undefined when a part of it is missing. */
function readReady(
  roots: Roots,
  manifestDigest: Digest,
  reference: string,
  { insecure = false }: ProvideOptions,
): Ready | undefined {
  const stored = readStored(roots, manifestDigest, reference);
  if (stored === undefined) return undefined;
  const chain = chainIds(stored.config.rootfs.diff_ids);
  const layers: string[] = [];
  const mounted: MountedLayer[] = [];
  const warnings: string[] = [];
  let hidden = false;
  for (const chainId of chain.reverse()) {
    const layer = findLayer(roots, chainId);
    if (layer === undefined) return undefined;
    if (!hidden) layers.push(layer.directory);
    if (!hidden) mounted.push(...mountedLayer(layer));
    hidden ||= layer.root_opaque;
    warnings.push(...warningsOf(layer));
  }
  const appc = appcImage(roots, manifestDigest, insecure, reference);
  return {
    manifestDigest,
    config: stored.config,
    layers,
    mounted,
    warnings,
    ...(appc === undefined ? {} : { appc }),
  };
}
