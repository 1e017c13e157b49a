import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import type { AppcDependency } from '../../appc-spec/image-manifest.js';
import { BerthError } from '../../errors/berth-error.js';
import { type Digest, digestOf } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { readDocument } from '../image/documents.js';
import { readNames } from '../image/names.js';
import type { FoundImage } from '../image/resolve.js';
import { sourceStamp } from '../image/source-stamp.js';
import { blobFile, type Session } from '../image/store.js';
import { type AppcOptions, fetchAci } from './fetch-aci.js';
import { appcName, imageOfAci } from './image-of-aci.js';
import type { ReadAci } from './read-aci.js';
import { type AppcRecord, fits } from './record.js';
import { type FoundAci, type Locate, mustMatch, type RenderedAci, renderAci } from './render.js';
import { checkSigned, mustBeTrusted, signatureBeside } from './trust.js';

/** The image in an ACI file. */
export async function resolveAci(
  roots: Roots,
  session: Session,
  file: string,
  options: AppcOptions,
  what: string,
): Promise<FoundImage> {
  const stamp = sourceStamp({ kind: 'aci', canonical: file, file }, what);
  if (stamp === undefined) throw new BerthError('IMAGE_NOT_FOUND', { what, why: `there is no file ${file}` });
  const own = path.join(session.directory, 'image.aci');
  // What is verified is what is read: whoever may write the file may write it meanwhile.
  await copyFile(file, own);
  const beside = signatureBeside(file);
  const signature = beside === undefined ? undefined : readDocument(beside, what);
  const accept = ({ manifest: { name } }: ReadAci) =>
    checkSigned(roots, { name, file: own, signature, origin: 'file' }, options.insecure === true, what);
  return { ...(await imageOf(roots, session, { file: own, accept }, options, what)), stamp };
}

/** The image of that name, from wherever its name leads. */
export async function discoverImage(
  roots: Roots,
  session: Session,
  wanted: { name: string; labels: Readonly<Record<string, string>> },
  options: AppcOptions,
  what: string,
): Promise<FoundImage> {
  const { file, signedBy } = await fetchAci(roots, session, wanted, options, what);
  const labels = Object.entries(wanted.labels).map(([name, value]) => ({ name, value }));
  const accept = (aci: ReadAci) => {
    mustMatch(aci, { imageName: wanted.name, labels }, what, what);
    return signedBy;
  };
  return imageOf(roots, session, { file, accept }, options, what);
}

async function imageOf(
  roots: Roots,
  session: Session,
  found: FoundAci,
  options: AppcOptions,
  what: string,
): Promise<Required<Pick<FoundImage, 'image' | 'appc'>>> {
  const rendered = await renderAci(session, found, locator(roots, session, options), what);
  const { manifest } = rendered.parts.at(-1) as ReadAci;
  return { image: imageOfAci(rendered.parts, what), appc: { ...kept(rendered), name: appcName(manifest) } };
}

/** What the store keeps beside the image: the ACIs themselves, so that it can give them back, and render others from them. */
function kept({ parts, signedBy }: RenderedAci): { record: AppcRecord; blobs: Map<Digest, string | Buffer> } {
  const own = parts.at(-1) as ReadAci;
  const manifest = digestOf(own.manifestBytes);
  const digest = (aci: ReadAci): Digest => `sha256:${aci.digest}`;
  const record: AppcRecord = {
    image_id: own.id,
    name: own.manifest.name,
    labels: Object.fromEntries((own.manifest.labels ?? []).map(({ name, value }) => [name, value])),
    manifest,
    aci: digest(own),
    dependencies: parts.slice(0, -1).map((aci) => ({ image_id: aci.id, aci: digest(aci) })),
    ...(signedBy === undefined ? {} : { signed_by: signedBy }),
  };
  const blobs = new Map<Digest, string | Buffer>(parts.map((aci) => [digest(aci), aci.file]));
  return { record, blobs: blobs.set(manifest, own.manifestBytes) };
}

/** The store's own first; what it lacks is discovered. */
function locator(roots: Roots, session: Session, options: AppcOptions): Locate {
  return async (dependency, what) => {
    const record = storedAci(roots, dependency)?.record;
    if (record !== undefined) {
      if (options.insecure !== true) mustBeTrusted(roots, record, what);
      return { file: blobFile(roots, record.aci), accept: () => undefined };
    }
    if (options.offline === true) {
      throw new BerthError('IMAGE_NOT_FOUND', {
        what,
        why: 'it is not in the store',
        mend: 'Load it first: berth image load FILE.aci.',
      });
    }
    const { imageName, labels = [], size } = dependency;
    const wanted = {
      name: imageName,
      labels: Object.fromEntries(labels.map(({ name, value }) => [name, value])),
      size,
    };
    const { file, signedBy } = await fetchAci(roots, session, wanted, options, what);
    return { file, accept: () => signedBy };
  };
}

/** The image of the store that a dependency or a pod asks for; of several the one that came last. */
export function storedAci(
  roots: Roots,
  { imageName, imageID, labels = [] }: Partial<AppcDependency>,
): { manifestDigest: Digest; record: AppcRecord } | undefined {
  const { images, appc = {} } = readNames(roots);
  const wanted = Object.fromEntries(labels.map(({ name, value }) => [name, value]));
  const cameAt = (manifest: string) =>
    Object.values(images)
      .filter(({ manifest_digest }) => manifest_digest === manifest)
      .map(({ loaded_at }) => loaded_at)
      .sort()
      .at(-1) ?? '';
  const [found] = Object.entries(appc)
    .filter(
      ([, record]) =>
        fits(record, imageName ?? record.name, wanted) && (imageID ?? record.image_id) === record.image_id,
    )
    .sort(([a], [b]) => (cameAt(a) < cameAt(b) ? 1 : -1));
  return found && { manifestDigest: found[0] as Digest, record: found[1] };
}
