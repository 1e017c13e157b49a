import { linkSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { type Digest, hexOf } from '../../oci-spec/digest.js';
import { writeWhole } from '../../state/atomic-file.js';
import type { Roots } from '../../state/roots.js';
import type { AppcRecord } from '../appc/record.js';
import type { Admission } from '../policy/admit.js';
import { keepSignatures } from '../policy/signatures.js';
import { importBlob } from './blobs.js';
import { collectAfterFailure } from './collect.js';
import { readDocument } from './documents.js';
import { closeOpened } from './idle-layers.js';
import { chooseForm, type LayerSetting } from './layer-form.js';
import { updateNames } from './names.js';
import type { LayerSource, ResolvedImage } from './oci-layout.js';
import type { OnProgress } from './progress.js';
import { requireRoot } from './root-only.js';
import { settleLayers, syncBlobs } from './settled.js';
import { mustFitHere } from './space.js';
import { blobFile, hasBlob, Session } from './store.js';
import { storeLayers } from './store-layers.js';
import { warningsOf } from './stored-image.js';
import { unpackFailure } from './unpack-failure.js';
import type { WholeIndex } from './whole-index.js';

/** An image on its way into the store. */
export interface ImageToStore {
  image: ResolvedImage;
  /** `NAME:TAG`s, or the reference it was taken from. */
  names: string[];
  /** Of the index that it was chosen from; for one that is called after where it lies, of that place (source-stamp.ts). */
  stamp?: Digest;
  /** Where it came from, and what was signed of it; absent: it is made here. */
  admission?: Admission;
  /** What is to be told of it. */
  warnings?: string[];
  /** The index that it was chosen from, to be kept with all that it leads to. */
  whole?: WholeIndex;
  /** What its layers are to become; by default what the store was told. */
  form?: LayerSetting | undefined;
  /** The image in words. */
  what: string;
  /** Of one that came as an ACI, with the files of blobs that it needs beside its own. */
  appc?: { record: AppcRecord; blobs: Map<Digest, string | Buffer> };
}

export interface StoredImage {
  names: string[];
  manifestDigest: Digest;
  /** Of the index that was kept with it. */
  indexDigest: Digest | undefined;
  warnings: string[];
}

/**
 * Verifies and unpacks images and gives them their names, all or none: on failure the store is as it was before. `find` may put files
 * into the session's folder. `durable`: nothing is named before its documents and blobs are on the disk. Layers, which can be made of them again, follow
 * in their own time either way.
 */
export async function storeImages(
  roots: Roots,
  what: string,
  find: (session: Session) => Promise<ImageToStore[]> | ImageToStore[],
  onProgress: OnProgress,
  { durable }: { durable: boolean },
): Promise<StoredImage[]> {
  requireRoot(what);
  const session = await openSession(roots, what);
  const stored: StoredImage[] = [];
  let added = false;
  try {
    const images = await find(session);
    for (const image of images) stored.push(await storeContent(roots, session, image, onProgress));
    if (durable) await syncBlobs(roots, images.flatMap(blobsOf));
    const loaded_at = new Date().toISOString();
    await updateNames(roots, (names) => {
      const fresh = images.flatMap(({ image, names: given, stamp, admission }) =>
        given.map((name) => {
          const before = names.images[name];
          // One whose layers are only made again came from where it came from.
          const kept =
            admission === undefined && before?.manifest_digest === image.manifestDigest ? before : undefined;
          const source = admission?.source ?? kept?.source;
          const index_digest = stamp ?? kept?.index_digest;
          const entry = {
            manifest_digest: image.manifestDigest,
            loaded_at,
            ...(source === undefined ? {} : { source }),
            ...(index_digest === undefined ? {} : { index_digest }),
          };
          return [name, entry] as const;
        }),
      );
      const digests = images.map(({ image }) => image.manifestDigest);
      const manifests = [...new Set([...names.manifests, ...digests])];
      const appc = images.flatMap((each) =>
        each.appc === undefined ? [] : [[each.image.manifestDigest, each.appc.record] as const],
      );
      const indexes = images.flatMap(({ whole }) =>
        whole === undefined ? [] : [[whole.indexDigest, blobsOfIndex(whole)] as const],
      );
      return {
        ...names,
        images: { ...names.images, ...Object.fromEntries(fresh) },
        manifests,
        ...(indexes.length === 0 ? {} : { indexes: { ...names.indexes, ...Object.fromEntries(indexes) } }),
        ...(appc.length === 0 ? {} : { appc: { ...names.appc, ...Object.fromEntries(appc) } }),
      };
    });
    added = true;
  } catch (error) {
    throw unpackFailure(error, what);
  } finally {
    await session.close();
    closeOpened(roots);
    if (!added) await collectAfterFailure(roots);
  }
  // The process that waits for the disk has copies of this one's locks for a moment.
  await settleLayers(roots).catch((error: unknown) => {
    throw unpackFailure(error, what);
  });
  return stored;
}

async function openSession(roots: Roots, what: string): Promise<Session> {
  try {
    return await Session.open(roots);
  } catch (error) {
    throw unpackFailure(error, what);
  }
}

async function storeContent(
  roots: Roots,
  session: Session,
  { image, names, what, appc, admission, form, whole, warnings: told = [] }: ImageToStore,
  onProgress: OnProgress,
): Promise<StoredImage> {
  const warnings = [...told];
  if (image.arrivals === undefined) await mustFitHere(roots, image, what, whole?.blobs);
  const formOf = (source: LayerSource) => chooseForm(roots, form, source.size);
  let documented = false;
  const document = () => {
    if (!documented) storeDocuments(roots, image);
    documented = true;
  };
  // While the first layer is unpacked: after it a sync of theirs waits for all that the layer has left in the file system's journal.
  const beside: OnProgress = (event) => {
    onProgress(event);
    // What fails is told when it is tried again at the end.
    if (event.kind === 'layer-start')
      void Promise.resolve()
        .then(document)
        .catch(() => {});
  };
  await storeLayers(roots, session, image, what, beside, formOf, async (layer, i, about) => {
    const source = image.layers[i] as LayerSource;
    warnings.push(...warningsOf(layer));
    await takeBlob(roots, session, image, source, about);
  });
  document();
  if (admission?.signatures !== undefined) keepSignatures(roots, image.manifestDigest, admission.signatures);
  if (whole !== undefined) await keepWhole(roots, session, image, whole, what);
  for (const [digest, content] of appc?.blobs ?? []) keepBeside(roots, session, digest, content);
  return { names, manifestDigest: image.manifestDigest, indexDigest: whole?.indexDigest, warnings };
}

/** Those of layers, and of what is kept beside them. */
function blobsOf({ image, appc, whole }: ImageToStore): Digest[] {
  const beside = [...(appc?.blobs.keys() ?? []), ...(whole === undefined ? [] : blobsOfIndex(whole))];
  return [...new Set([...image.layers.map((layer) => layer.digest), ...beside])];
}

function blobsOfIndex({ documents, blobs }: WholeIndex): Digest[] {
  return [...documents.map(({ digest }) => digest), ...blobs.keys()];
}

/** What an index leads to beside the image that was unpacked, as it comes. */
async function keepWhole(
  roots: Roots,
  session: Session,
  image: ResolvedImage,
  { documents, blobs }: WholeIndex,
  what: string,
): Promise<void> {
  for (const [digest, size] of blobs) {
    if (hasBlob(roots, { digest, size })) continue;
    // One that came damaged comes once more.
    for (let whole = false; !whole; ) whole = (await (await image.arrivals?.of(digest))?.whole) ?? true;
    await takeBlob(roots, session, image, { digest, size }, `${what}, ${digest.slice(0, 19)}`);
  }
  for (const { digest, bytes } of documents) keepDocument(roots, digest, bytes);
}

/** A blob of an image becomes the store's own: by a link if it has been checked already. */
async function takeBlob(
  roots: Roots,
  session: Session,
  image: ResolvedImage,
  { digest, size }: { digest: Digest; size: number },
  about: string,
): Promise<void> {
  const file = image.blobPath(digest);
  if (!image.verified) return importBlob(roots, session, { file, digest, size }, about);
  const found = statSync(file).size;
  if (found !== size)
    throw new BerthError('IMAGE_CORRUPT', {
      what: about,
      why: `${digest} should have ${size} bytes and has ${found}`,
    });
  keepBlob(roots, session, { digest, size }, file);
}

function keepBeside(roots: Roots, session: Session, digest: Digest, content: string | Buffer): void {
  if (typeof content !== 'string') keepDocument(roots, digest, content);
  else keepBlob(roots, session, { digest, size: statSync(content).size }, content);
}

function keepBlob(
  roots: Roots,
  session: Session,
  source: Pick<LayerSource, 'digest' | 'size'>,
  blob: string,
): void {
  const kept = blobFile(roots, source.digest);
  try {
    linkSync(blob, kept);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (hasBlob(roots, source)) return;
    const whole = path.join(session.directory, `${hexOf(source.digest)}.whole`);
    linkSync(blob, whole);
    renameSync(whole, kept);
  }
}

function storeDocuments(roots: Roots, image: ResolvedImage): void {
  keepDocument(roots, image.manifest.config.digest, image.configBytes);
  keepDocument(roots, image.manifestDigest, image.manifestBytes);
}

function keepDocument(roots: Roots, digest: Digest, bytes: Buffer): void {
  const file = blobFile(roots, digest);
  // By its content: one that is damaged must not outlive that it comes again.
  if (readDocument(file, digest)?.equals(bytes) !== true) writeWhole(file, bytes);
}
