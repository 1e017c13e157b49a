import { existsSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { chainIds, type Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { tellImage } from '../events/tell.js';
import { type Admission, admit, type PolicyOptions } from '../policy/admit.js';
import { SignatureSource } from '../policy/signatures.js';
import { locationOf } from '../registry/location.js';
import { blobSize, fetchManifest } from '../registry/manifests.js';
import type { Repository } from '../registry/repository.js';
import { RegistrySession } from '../registry/session.js';
import { BlobArrivals, type Wanted } from './arrivals.js';
import type { LayerSetting } from './layer-form.js';
import type { ResolvedImage } from './oci-layout.js';
import { mustBeFor, type PlatformLike } from './platform.js';
import type { OnProgress } from './progress.js';
import { parseReference } from './reference.js';
import { type RemoteImage, resolveRemote } from './remote-image.js';
import { requireRoot } from './root-only.js';
import { convertSchema1, type Schema1Image, schema1Warning } from './schema1.js';
import { type Named, wholeNames } from './short-names.js';
import { mustFit } from './space.js';
import { blobFile, hasBlob, type Session } from './store.js';
import { type ImageToStore, type StoredImage, storeImages } from './store-images.js';
import { readLayer } from './stored-layer.js';
import { type WholeIndex, walkIndex } from './whole-index.js';

export interface PullOptions extends PolicyOptions {
  /** By default this host's. */
  platform?: PlatformLike | undefined;
  /** Of an index, everything for every platform is kept beside what is unpacked of it for one. */
  allPlatforms?: boolean | undefined;
  /** What its layers are to become. */
  form?: LayerSetting | undefined;
  /** Waits until it is there to stay. */
  durable?: boolean | undefined;
  onProgress?: OnProgress | undefined;
}

export interface PulledImage {
  name: string;
  manifestDigest: Digest;
  /** Of the index that is kept with it, for all platforms. */
  indexDigest: Digest | undefined;
  warnings: string[];
  /** Bytes that came from the registry, without what was there already. */
  fetched: number;
}

/**
 * Brings an image from its registry into the store, verified and unpacked while it comes; only what the store lacks. After a failure the store is as it was before,
 * but for the bytes in `downloads`, with which the next attempt goes on.
 */
export async function pullImage(
  roots: Roots,
  reference: string,
  options: PullOptions = {},
): Promise<PulledImage> {
  const what = `image ${reference}`;
  requireRoot(what);
  const parsed = parseReference(reference);
  if (parsed.kind === 'appc')
    return (await import('../appc/pull-appc.js')).pullAppc(roots, parsed, reference, options);
  if (parsed.kind !== 'stored') {
    throw new BerthError('REFERENCE_INVALID', {
      what,
      why: 'it names no registry',
      mend: `Use berth image load ${reference}.`,
    });
  }
  const session = await RegistrySession.open(options);
  try {
    const pulled = await pullFirst(roots, session, wholeNames(parsed, session.registries), what, options);
    const [name = parsed.canonical] = pulled.names;
    tellImage(roots, pulled.manifestDigest, name, 'pull');
    return {
      name,
      manifestDigest: pulled.manifestDigest,
      indexDigest: pulled.indexDigest,
      warnings: pulled.warnings,
      fetched: pulled.fetched,
    };
  } finally {
    session.close();
  }
}

type Pulled = StoredImage & { fetched: number };

/** From the first place that has it. What is wrong with the last place is told, as it is the one that must have it. */
async function pullFirst(
  roots: Roots,
  session: RegistrySession,
  names: readonly Named[],
  what: string,
  options: PullOptions,
): Promise<Pulled> {
  const places = names.flatMap((named) =>
    session
      .candidates(locationOf(named.name), named.digest !== undefined)
      .map((candidate) => ({ named, candidate })),
  );
  let failure: unknown;
  for (const { named, candidate } of places) {
    try {
      const repository = await session.repository(candidate, 'pull');
      const remote = await resolveRemote(repository, named, options.platform, what);
      return await storeRemote(roots, session, repository, remote, named, what, options);
    } catch (error) {
      failure = error;
      if (!(error instanceof BerthError) || !mayBeElsewhere.has(error.code)) throw error;
    }
  }
  throw about(failure, what);
}

/** What fails at a server is told of the image that was asked for. */
function about(failure: unknown, what: string): unknown {
  if (!(failure instanceof BerthError) || failure.what.startsWith(what)) return failure;
  const { code, what: where, why, mend, cause } = failure;
  return new BerthError(code, {
    what,
    why: `${where}: ${why}`,
    ...(mend === undefined ? {} : { mend }),
    cause,
  });
}

/** Another registry may have what this one has not, or does not give. */
const mayBeElsewhere = new Set([
  'IMAGE_NOT_FOUND',
  'REGISTRY_UNREACHABLE',
  'REGISTRY_TLS',
  'REGISTRY_DENIED',
  'REGISTRY_LIMITED',
  'REGISTRY_FAILED',
]);

async function storeRemote(
  roots: Roots,
  registry: RegistrySession,
  repository: Repository,
  remote: RemoteImage,
  named: Named,
  what: string,
  options: PullOptions,
): Promise<Pulled> {
  const onProgress = options.onProgress ?? (() => {});
  let arrivals: BlobArrivals | undefined;
  let fetched = 0;
  const find = async (own: Session): Promise<ImageToStore[]> => {
    const admission = await admitRemote(repository, remote, named, options, what);
    arrivals = new BlobArrivals(roots, own, repository, what, onProgress, (error) => registry.abort(error));
    const coming = arrivals;
    const fileOf = (digest: Digest) =>
      coming.of(digest) === undefined ? blobFile(roots, digest) : coming.path(digest);
    if (remote.schema1 !== undefined) {
      const old = await wantedOfSchema1(roots, repository, remote.schema1, what);
      fetched = await mustFit(roots, old, what);
      arrivals.start(old);
      for (const { source } of old) await arrivals.whole(source.digest);
      const made = await convertSchema1(remote.schema1, fileOf, own, what, options.platform !== undefined);
      mustBeFor(made.config, options.platform, what);
      const { form } = options;
      const warnings = [schema1Warning];
      return [
        {
          image: made,
          names: [named.canonical],
          form,
          what,
          admission,
          warnings,
          stamp: remote.manifestDigest,
        },
      ];
    }
    const image = remote.image(fileOf);
    const wanted = missingBlobs(roots, image);
    const { indexDigest } = remote;
    const whole =
      options.allPlatforms === true && indexDigest !== undefined
        ? await walkIndex(
            remote.top,
            async ({ digest, size }) => (await fetchManifest(repository, { digest, size }, what)).bytes,
            what,
          )
        : undefined;
    wanted.push(...missingBeside(roots, wanted, whole));
    fetched = await mustFit(roots, wanted, what);
    arrivals.start(wanted);
    return [
      {
        image: { ...image, arrivals },
        names: [named.canonical],
        ...(whole === undefined ? {} : { whole }),
        form: options.form,
        what,
        admission,
        ...(indexDigest === undefined ? {} : { stamp: indexDigest }),
      },
    ];
  };
  try {
    const [stored] = await storeImages(roots, what, find, onProgress, {
      durable: options.durable === true,
    });
    arrivals?.forget();
    return { ...(stored as StoredImage), fetched };
  } catch (error) {
    registry.abort(error instanceof Error ? error : new Error(String(error)));
    await arrivals?.settled();
    // Half a blob must not be what fills the disk.
    if (error instanceof BerthError && error.code === 'NO_SPACE') arrivals?.forget();
    throw error;
  }
}

/** Judged by the whole name, whichever mirror gave it, before a layer is asked for. */
function admitRemote(
  repository: Repository,
  remote: RemoteImage,
  named: Named,
  options: PullOptions,
  what: string,
): Promise<Admission> {
  const { registry, repository: path } = locationOf(named.name);
  const reference = `${registry}/${path}${named.digest === undefined ? `:${named.tag}` : `@${named.digest}`}`;
  const { indexDigest, manifestDigest } = remote;
  const digests = indexDigest === undefined ? [manifestDigest] : [manifestDigest, indexDigest];
  const signatures = async () => {
    const { lookasideSignatures } = await import('../policy/lookaside.js');
    const { attachedSignatures } = await import('../policy/attachments.js');
    return new SignatureSource({
      simple: () => lookasideSignatures(reference, digests, options, what),
      sigstore: () => attachedSignatures(repository, digests, what),
    });
  };
  return admit(`docker:${reference}`, digests, signatures, options, what);
}

/** Its manifest does not say how large its blobs are. */
async function wantedOfSchema1(
  roots: Roots,
  repository: Repository,
  { blobs }: Schema1Image,
  what: string,
): Promise<Wanted[]> {
  const wanted: Wanted[] = [];
  const missing = [...new Set(blobs)].filter((digest) => !existsSync(blobFile(roots, digest)));
  for (const [i, digest] of missing.entries()) {
    const size = await blobSize(repository, digest, what);
    const source = { digest, size, compression: 'none' as const, diffId: digest };
    wanted.push({ source, ready: true, place: { index: i + 1, count: missing.length } });
  }
  return wanted;
}

/** What else an index needs, for itself alone. */
function missingBeside(roots: Roots, wanted: readonly Wanted[], whole: WholeIndex | undefined): Wanted[] {
  const known = new Set(wanted.map(({ source }) => source.digest));
  const missing = [...(whole?.blobs ?? [])].filter(
    ([digest, size]) => !known.has(digest) && !hasBlob(roots, { digest, size }),
  );
  return missing.map(([digest, size], i) => ({
    // Nobody looks into it.
    source: { digest, size, compression: 'none', diffId: digest },
    ready: true,
    place: { index: wanted.length + i + 1, count: wanted.length + missing.length },
  }));
}

/** Every blob once that the store lacks. */
function missingBlobs(roots: Roots, image: ResolvedImage): Wanted[] {
  const chain = chainIds(image.layers.map((layer) => layer.diffId));
  const wanted = new Map<Digest, Wanted>();
  for (const [i, source] of image.layers.entries()) {
    if (hasBlob(roots, source) || wanted.has(source.digest)) continue;
    const ready = readLayer(roots, chain[i] as Digest) !== undefined;
    wanted.set(source.digest, { source, ready, place: { index: i + 1, count: image.layers.length } });
  }
  return [...wanted.values()];
}
