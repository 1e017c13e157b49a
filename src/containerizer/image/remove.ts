import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { tellImage } from '../events/tell.js';
import { imageById, namesOf } from './by-id.js';
import { discardUnwanted, withRoom } from './collect.js';
import { type NameIndex, readNames, writeNames } from './names.js';
import { type ImageReference, parseReference } from './reference.js';
import { requireRoot } from './root-only.js';
import { emptyTrash, storePaths } from './store.js';
import { appcNames } from './stored-image.js';

/** Says which container still needs the image of that manifest, if any. */
export type UsedBy = (manifestDigest: Digest) => string | undefined;

export interface RemovedImage {
  name: string;
  manifestDigest: Digest;
  /** Nothing else needed its content, so that is gone too. */
  contentRemoved: boolean;
}

/**
 * Takes a name away, and with the last name of an image its content. By its id an image loses its only name, or with `force` all of
 * them. Refused while a container needs it. Waits for loads that are under way.
 */
export async function removeImage(
  roots: Roots,
  reference: string,
  usedBy: UsedBy,
  options: { force?: boolean } = {},
): Promise<RemovedImage> {
  const what = `image ${reference}`;
  requireRoot(what);
  // What is not there needs no store to be made.
  namesToRemove(roots, reference, options.force === true);
  const lock = await FileLock.take(storePaths(roots).storeLock);
  try {
    const index = await FileLock.take(storePaths(roots).indexLock);
    let removed: { manifestDigest: Digest; leaving: string[]; others: string[] } | undefined;
    try {
      // A container has its image on record from the end of its launch; until then nobody can see that it needs it.
      await withRoom(
        roots,
        what,
        () => leavingAlone(roots, reference, usedBy, options.force === true),
        () => {
          removed = forget(roots, reference, usedBy, options.force === true);
          discardUnwanted(roots);
        },
      );
    } finally {
      index.release();
    }
    const { manifestDigest, leaving, others } = removed as NonNullable<typeof removed>;
    for (const each of leaving) tellImage(roots, manifestDigest, each, 'untag');
    await emptyTrash(roots);
    if (others.length === 0) tellImage(roots, manifestDigest, leaving[0] ?? null, 'delete');
    const [name = manifestDigest] = leaving;
    return { name, manifestDigest, contentRemoved: others.length === 0 };
  } finally {
    lock.release();
  }
}

/** The image itself, if it goes with that name and no container needs it. */
function leavingAlone(roots: Roots, reference: string, usedBy: UsedBy, force: boolean): ReadonlySet<Digest> {
  const { manifestDigest, names } = namesToRemove(roots, reference, force);
  const stays = namesOf(roots, manifestDigest).some((name) => !names.includes(name));
  return new Set(stays || usedBy(manifestDigest) !== undefined ? [] : [manifestDigest]);
}

/** Takes it out of the index; what it had may then be nobody's. */
function forget(roots: Roots, reference: string, usedBy: UsedBy, force: boolean) {
  const { manifestDigest, names: leaving } = namesToRemove(roots, reference, force);
  const others = namesOf(roots, manifestDigest).filter((name) => !leaving.includes(name));
  const user = others.length === 0 ? usedBy(manifestDigest) : undefined;
  if (user !== undefined) {
    throw new BerthError('IMAGE_IN_USE', {
      what: `image ${reference}`,
      why: `container ${user} needs it`,
      mend: `Remove the container first: berth rm ${user}.`,
    });
  }
  const names = readNames(roots);
  const images = Object.fromEntries(Object.entries(names.images).filter(([name]) => !leaving.includes(name)));
  const wanted = new Set(Object.values(images).map((entry) => entry.manifest_digest));
  // An unnamed image may still be under a container: its tag has moved on.
  const manifests = names.manifests.filter((known) => wanted.has(known) || usedBy(known) !== undefined);
  writeNames(roots, { ...names, images, manifests });
  return { manifestDigest, leaving, others };
}

/** What an image is called that was asked for by another name. */
function otherKey(index: NameIndex, parsed: ImageReference, what: string): string {
  if (parsed.kind === 'stored') return parsed.tagged;
  const [first, ...more] = parsed.kind === 'appc' ? appcNames(index, parsed) : [];
  if (more.length === 0) return first ?? parsed.canonical;
  throw new BerthError('IMAGE_NOT_FOUND', {
    what,
    why: `${more.length + 1} images fit that: ${[first, ...more].join(', ')}`,
    mend: 'Name one of them.',
  });
}

function namesToRemove(
  roots: Roots,
  reference: string,
  force: boolean,
): { manifestDigest: Digest; names: string[] } {
  const what = `image ${reference}`;
  const parsed = parseReference(reference);
  const index = readNames(roots);
  const { images } = index;
  const key = Object.hasOwn(images, parsed.canonical) ? parsed.canonical : otherKey(index, parsed, what);
  const named = Object.hasOwn(images, key) ? images[key] : undefined;
  const digest = parsed.kind === 'stored' ? parsed.digest : undefined;
  if (
    named !== undefined &&
    (digest === undefined ||
      key === parsed.canonical ||
      digest === named.manifest_digest ||
      digest === named.index_digest)
  ) {
    return { manifestDigest: named.manifest_digest, names: [key] };
  }
  const manifestDigest = named === undefined ? imageById(roots, reference) : undefined;
  if (manifestDigest === undefined) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what,
      why: 'it is not in the store',
      mend: 'See berth image ls.',
    });
  }
  const names = namesOf(roots, manifestDigest);
  if (names.length > 1 && !force) {
    throw new BerthError('IMAGE_IN_USE', {
      what,
      why: `it has ${names.length} names: ${names.join(', ')}`,
      mend: 'Remove it by name, or use -f to remove all of them.',
    });
  }
  return { manifestDigest, names };
}
