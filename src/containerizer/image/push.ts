import { BerthError } from '../../errors/berth-error.js';
import { type Digest, digestOf } from '../../oci-spec/digest.js';
import { manifestMediaType } from '../../oci-spec/image.js';
import type { Roots } from '../../state/roots.js';
import { tellImage } from '../events/tell.js';
import { locationOf } from '../registry/location.js';
import { publishManifest } from '../registry/publish.js';
import { type RegistryOptions, RegistrySession } from '../registry/session.js';
import { uploadBlob } from '../registry/upload.js';
import { keptIndex } from './kept-index.js';
import { inFormat, type PushFormat } from './manifest-format.js';
import { readNames } from './names.js';
import { type IndexDocument, resolveManifest } from './oci-layout.js';
import type { OnProgress } from './progress.js';
import { type ImageReference, parseReference } from './reference.js';
import { storeFiles } from './resolve.js';
import { requireRoot } from './root-only.js';
import { blobFile, Session } from './store.js';
import { readSound } from './stored-documents.js';
import { lookUp } from './stored-image.js';

export interface PushOptions extends RegistryOptions {
  /** The whole index that the image was chosen from, if it was pulled with all platforms. */
  allPlatforms?: boolean | undefined;
  /** By default as the image came, byte for byte. */
  format?: PushFormat | undefined;
  onProgress?: OnProgress | undefined;
}

export interface PushedImage {
  /** `NAME:TAG` at the registry. */
  name: string;
  manifestDigest: Digest;
  /** Bytes that the registry did not have. */
  sent: number;
}

type Destination = ImageReference & { kind: 'stored' };

/** Sends an image of the store to a registry, by default to the one it is named after: what that lacks of it, and the manifest last. */
export async function pushImage(
  roots: Roots,
  reference: string,
  to: string = reference,
  options: PushOptions = {},
): Promise<PushedImage> {
  const what = `image ${reference}`;
  requireRoot(what);
  const destination = parseReference(to);
  if (destination.kind !== 'stored') {
    throw new BerthError('REFERENCE_INVALID', {
      what: `destination ${to}`,
      why: 'it names no registry',
      mend: 'Use NAME[:TAG]; archives and layouts are written by berth image save.',
    });
  }
  const registry = await RegistrySession.open(options);
  // Nobody removes anything meanwhile.
  const session = await Session.open(roots);
  try {
    const pushed = await push(roots, registry, reference, destination, options);
    tellImage(roots, pushed.manifestDigest, pushed.name, 'push');
    return pushed;
  } catch (error) {
    registry.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    registry.close();
    await session.close();
  }
}

async function push(
  roots: Roots,
  registry: RegistrySession,
  reference: string,
  destination: Destination,
  { format, allPlatforms = false, onProgress = () => {} }: PushOptions,
): Promise<PushedImage> {
  const what = `image ${reference}`;
  const named = lookUp(roots, parseReference(reference), reference);
  if (named === undefined) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what,
      why: 'it is not in the store, or has changed since it was loaded',
      mend: `Load it first: berth image load ${reference}.`,
    });
  }
  const image = resolveManifest(storeFiles(roots), { digest: named.manifest_digest }, what, true);
  const { manifest, bytes } = inFormat(image, format);
  const whole = allPlatforms ? await keptIndex(roots, named, what) : undefined;
  const location = locationOf(destination.name);
  const place = registry.candidates(location, false).find(({ mirror }) => !mirror);
  const sources = mountSources(roots, destination);
  const more = [...new Set([...sources.values()].flat())].map((from) => `repository:${from}:pull`);
  const repository = await registry.repository(
    place ?? { location, insecure: false, mirror: false },
    'pull,push',
    more,
  );
  const single = [manifest.config, ...manifest.layers].map(({ digest, size }) => [digest, size] as const);
  const blobs = [...new Map(whole?.blobs ?? single)];
  let sent = 0;
  const queue = blobs.map(([digest, size], i) => async () => {
    const progress = { digest, size, index: i + 1, count: blobs.length };
    const told = (done: number) => onProgress({ kind: 'upload', done, ...progress });
    const blob = { digest, size, file: blobFile(roots, digest), mountFrom: sources.get(digest) ?? [] };
    const how = await uploadBlob(repository, blob, told, `${what}, blob ${digest.slice(0, 19)}`);
    if (how === 'sent') sent += size;
    onProgress({ kind: 'upload-done', how, ...progress });
  });
  await inParallel(queue, registry.limits.parallel);
  // Whatever names another comes after it.
  const documents = whole?.documents ?? [
    { digest: digestOf(bytes), mediaType: manifest.mediaType ?? manifestMediaType, bytes },
  ];
  const top = documents[documents.length - 1] as IndexDocument;
  const manifestDigest = top.digest;
  const target = destination.digest === undefined ? { tag: destination.tag } : { digest: manifestDigest };
  if (destination.digest !== undefined && destination.digest !== manifestDigest) {
    throw new BerthError('REFERENCE_INVALID', {
      what: `destination ${destination.canonical}`,
      why: `what is pushed has the digest ${manifestDigest}`,
    });
  }
  for (const document of documents)
    await publishManifest(
      repository,
      document === top ? target : { digest: document.digest },
      document,
      what,
    );
  return { name: destination.canonical, manifestDigest, sent };
}

async function inParallel(queue: (() => Promise<void>)[], width: number): Promise<void> {
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next();
  };
  await Promise.all(Array.from({ length: width }, work));
}

/** For each blob the other repositories of the destination's registry that should have it, as the store has images from there. */
function mountSources(roots: Roots, destination: Destination): Map<Digest, string[]> {
  const { registry, repository } = locationOf(destination.name);
  const sources = new Map<Digest, string[]>();
  for (const [key, { manifest_digest }] of Object.entries(readNames(roots).images)) {
    const parsed = /^[a-z-]+:[./]/.test(key) ? undefined : parseReference(key);
    if (parsed?.kind !== 'stored') continue;
    const other = locationOf(parsed.name);
    if (other.registry !== registry || other.repository === repository) continue;
    const stored = readSound(roots, manifest_digest);
    for (const { digest } of stored?.manifest.layers ?? [])
      sources.set(digest, [...(sources.get(digest) ?? []), other.repository]);
  }
  return sources;
}
