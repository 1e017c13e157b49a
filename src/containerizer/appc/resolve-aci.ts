import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import type { AppcDependency } from '../../appc-spec/image-manifest.js';
import { BerthError } from '../../errors/berth-error.js';
import { type Digest, digestOf } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { readNames } from '../image/names.js';
import type { FoundImage } from '../image/resolve.js';
import { sourceStamp } from '../image/source-stamp.js';
import { blobFile, type Session } from '../image/store.js';
import { appcName, imageOfAci } from './image-of-aci.js';
import type { ReadAci } from './read-aci.js';
import { type AppcRecord, fits } from './record.js';
import { type FoundAci, type Locate, renderAci } from './render.js';

/** The image in an ACI file. */
export async function resolveAci(
  roots: Roots,
  session: Session,
  file: string,
  what: string,
): Promise<FoundImage> {
  const stamp = sourceStamp({ kind: 'aci', canonical: file, file }, what);
  if (stamp === undefined) throw new BerthError('IMAGE_NOT_FOUND', { what, why: `there is no file ${file}` });
  const own = path.join(session.directory, 'image.aci');
  // What is verified is what is read: whoever may write the file may write it meanwhile.
  await copyFile(file, own);
  return { ...(await imageOf(roots, session, { file: own }, what)), stamp };
}

/** The image of an ACI with its dependencies. */
export async function imageOf(
  roots: Roots,
  session: Session,
  found: FoundAci,
  what: string,
): Promise<Required<Pick<FoundImage, 'image' | 'appc'>>> {
  const rendered = await renderAci(session, found.file, locator(roots), what);
  const { manifest } = rendered.at(-1) as ReadAci;
  return { image: imageOfAci(rendered, what), appc: { ...kept(rendered, found), name: appcName(manifest) } };
}

/** What the store keeps beside the image: the ACIs themselves, so that it can give them back, and render others from them. */
function kept(
  rendered: readonly ReadAci[],
  { signedBy }: FoundAci,
): { record: AppcRecord; blobs: Map<Digest, string | Buffer> } {
  const own = rendered.at(-1) as ReadAci;
  const manifest = digestOf(own.manifestBytes);
  const digest = (aci: ReadAci): Digest => `sha256:${aci.digest}`;
  const record: AppcRecord = {
    image_id: own.id,
    name: own.manifest.name,
    labels: Object.fromEntries((own.manifest.labels ?? []).map(({ name, value }) => [name, value])),
    manifest,
    aci: digest(own),
    dependencies: rendered.slice(0, -1).map((aci) => ({ image_id: aci.id, aci: digest(aci) })),
    ...(signedBy === undefined ? {} : { signed_by: signedBy }),
  };
  const blobs = new Map<Digest, string | Buffer>(rendered.map((aci) => [digest(aci), aci.file]));
  return { record, blobs: blobs.set(manifest, own.manifestBytes) };
}

function locator(roots: Roots): Locate {
  return async (dependency, what) => {
    const record = stored(roots, dependency);
    if (record !== undefined) return { file: blobFile(roots, record.aci) };
    throw new BerthError('IMAGE_NOT_FOUND', {
      what,
      why: 'it is not in the store',
      mend: `Load it first: berth image load FILE.aci.`,
    });
  };
}

/** The image of the store that a dependency asks for; of several the one that came last. */
function stored(roots: Roots, { imageName, imageID, labels = [] }: AppcDependency): AppcRecord | undefined {
  const { images, appc = {} } = readNames(roots);
  const wanted = Object.fromEntries(labels.map(({ name, value }) => [name, value]));
  const cameAt = (manifest: string) =>
    Object.values(images)
      .filter(({ manifest_digest }) => manifest_digest === manifest)
      .map(({ loaded_at }) => loaded_at)
      .sort()
      .at(-1) ?? '';
  return Object.entries(appc)
    .filter(
      ([, record]) => fits(record, imageName, wanted) && (imageID ?? record.image_id) === record.image_id,
    )
    .sort(([a], [b]) => (cameAt(a) < cameAt(b) ? 1 : -1))[0]?.[1];
}
