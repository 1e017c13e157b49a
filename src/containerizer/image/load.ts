import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import type { AppcOptions } from '../appc/fetch-aci.js';
import { tellImage } from '../events/tell.js';
import { admit, type PolicyOptions } from '../policy/admit.js';
import { noSignatures } from '../policy/signatures.js';
import { loadArchive, nameOf, storedName } from './load-archive.js';
import type { OnProgress } from './progress.js';
import { type ImageReference, parseReference } from './reference.js';
import { resolveIn } from './resolve.js';
import { requireRoot } from './root-only.js';
import { type StoredImage, storeImages } from './store-images.js';
import { isStored } from './stored-image.js';

export interface LoadedImage {
  name: string;
  manifestDigest: Digest;
  /** Of the index that is kept with it, for all platforms. */
  indexDigest: Digest | undefined;
  warnings: string[];
}

export interface LoadOptions extends PolicyOptions {
  name?: string;
  /** Of an index, everything for every platform is kept beside what is unpacked of it for this host. */
  allPlatforms?: boolean | undefined;
  onProgress?: OnProgress;
}

/**
 * Brings an image into the store under a name, by default that of the folder or file and its tag, and waits until it is there to stay.
 */
export async function loadImage(
  roots: Roots,
  reference: string,
  options: AppcOptions & LoadOptions = {},
): Promise<LoadedImage> {
  refuseFile(roots, reference);
  const parsed = parseReference(reference);
  const name =
    options.name === undefined && parsed.kind === 'aci'
      ? undefined
      : storeName(options.name ?? defaultName(parsed));
  const loaded = await addImage(roots, parsed, reference, name, options.onProgress ?? (() => {}), {
    ...options,
    durable: true,
  });
  return {
    name: loaded.names[0] ?? reference,
    manifestDigest: loaded.manifestDigest,
    indexDigest: loaded.indexDigest,
    warnings: loaded.warnings,
  };
}

/** What has neither a transport before it nor an image behind it may be meant as a file. */
function refuseFile(roots: Roots, reference: string): void {
  if (/^[a-z-]+:|\.aci$/.test(reference) || !existsSync(reference)) return;
  const folder = statSync(reference).isDirectory();
  if (storedName(reference) !== undefined && isStored(roots, parseReference(reference), reference)) return;
  throw new BerthError('REFERENCE_INVALID', {
    what: `image ${reference}`,
    why: `it is a ${folder ? 'folder' : 'file'}, and no image of the store has that name`,
    mend: folder
      ? `If it is an OCI layout: berth image load oci:${reference}; if a root file system: dir:${reference}.`
      : `Use berth image load -i ${reference}.`,
  });
}

/** Every image of an archive, a file or a descriptor, under the names that the archive has for it, or under the one given. */
export async function loadImages(
  roots: Roots,
  input: string | number,
  options: LoadOptions = {},
): Promise<LoadedImage[]> {
  const name = options.name === undefined ? undefined : storeName(options.name);
  const what = typeof input === 'number' ? 'the archive on standard input' : `archive ${input}`;
  if (typeof input === 'string' && statSync(input, { throwIfNoEntry: false })?.isDirectory() !== false) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what,
      why: existsSync(input) ? 'it is a folder' : 'there is no such file',
      ...(existsSync(input) ? { mend: `If it is an OCI layout: berth image load oci:${input}.` } : {}),
    });
  }
  const stored = await storeImages(
    roots,
    what,
    (session) => loadArchive(session, input, name, what, options),
    options.onProgress ?? (() => {}),
    { durable: true },
  );
  for (const { names, manifestDigest } of stored)
    for (const each of names) tellImage(roots, manifestDigest, each, 'load');
  return stored.flatMap(({ names, ...image }) => names.map((each) => ({ name: each, ...image })));
}

/** `NAME:TAG` from what a person asks an image to be called. */
export function storeName(text: string): string {
  const named = parseReference(text);
  if (named.kind === 'stored' && named.digest === undefined) return named.canonical;
  throw new BerthError('REFERENCE_INVALID', {
    what: `name ${JSON.stringify(text)}`,
    why: 'an image is stored under NAME[:TAG]',
  });
}

function defaultName(parsed: ImageReference): string {
  if (parsed.kind === 'stored') return parsed.canonical;
  if (parsed.kind === 'archive' && parsed.tag?.includes(':') === true) return parsed.tag;
  if (parsed.kind === 'appc') return parsed.canonical;
  const place = 'file' in parsed ? parsed.file : parsed.directory;
  const name = parsed.kind === 'archive' ? nameOf(place) : path.basename(place).toLowerCase();
  return `${name}:${('tag' in parsed ? parsed.tag : undefined) ?? 'latest'}`;
}

/** Verifies and unpacks an image and gives it a name, an ACI by default its own; on failure the store is as it was before. */
export async function addImage(
  roots: Roots,
  parsed: ImageReference,
  reference: string,
  name: string | undefined,
  onProgress: OnProgress,
  options: AppcOptions & PolicyOptions & { allPlatforms?: boolean | undefined; durable?: boolean } = {},
): Promise<StoredImage> {
  const what = `image ${reference}`;
  requireRoot(what);
  // What needs no folder of its own to be looked through is, before the store is touched.
  const found =
    parsed.kind === 'archive' || parsed.kind === 'tree' || parsed.kind === 'aci'
      ? undefined
      : await resolveIn(roots, undefined, parsed, what, options);
  const [stored] = await storeImages(
    roots,
    what,
    async (session) => {
      const { image, appc, whole, ...place } =
        found ?? (await resolveIn(roots, session, parsed, what, options));
      // Under a name of its own an image no longer depends on where it was.
      const stamp = name === undefined || name === parsed.canonical ? place.stamp : place.indexDigest;
      // An ACI has been judged by its own rules.
      const admission =
        parsed.kind === 'aci' || parsed.kind === 'stored' || parsed.kind === 'appc'
          ? undefined
          : await admit(parsed.canonical, [image.manifestDigest], noSignatures, options, what);
      return [
        {
          image,
          ...(admission === undefined ? {} : { admission }),
          names: [name ?? appc?.name ?? parsed.canonical],
          what,
          ...(stamp === undefined ? {} : { stamp }),
          ...(whole === undefined ? {} : { whole }),
          ...(appc === undefined ? {} : { appc }),
        },
      ];
    },
    onProgress,
    { durable: options.durable === true },
  );
  const image = stored as StoredImage;
  tellImage(roots, image.manifestDigest, image.names[0] ?? parsed.canonical, 'load');
  return image;
}
