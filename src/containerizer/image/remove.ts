import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { discardUnwanted } from './collect.js';
import { readNames, updateNames } from './names.js';
import { parseReference } from './reference.js';
import { requireRoot } from './root-only.js';
import { emptyTrash, storePaths } from './store.js';

/** Says which container still needs the image of that manifest, if any. */
export type UsedBy = (manifestDigest: Digest) => string | undefined;

export interface RemovedImage {
  name: string;
  manifestDigest: Digest;
  /** Nothing else needed its content, so that is gone too. */
  contentRemoved: boolean;
}

/**
 * Takes a name away, and with the last name of an image its content. Refused while a container needs it. Waits for loads that
 * are under way.
 */
export async function removeImage(roots: Roots, reference: string, usedBy: UsedBy): Promise<RemovedImage> {
  const what = `image ${reference}`;
  requireRoot(what);
  const parsed = parseReference(reference);
  const notFound = new BerthError('IMAGE_NOT_FOUND', {
    what,
    why: 'it is not in the store',
    mend: 'See berth image ls.',
  });
  if (!Object.hasOwn(readNames(roots).images, parsed.canonical)) throw notFound;
  const lock = await FileLock.take(storePaths(roots).storeLock);
  try {
    const named = readNames(roots).images;
    const image = Object.hasOwn(named, parsed.canonical) ? named[parsed.canonical] : undefined;
    const digest = parsed.kind === 'stored' ? parsed.digest : undefined;
    if (image === undefined || (digest !== undefined && digest !== image.manifest_digest)) throw notFound;
    const manifestDigest = image.manifest_digest;
    const others = Object.keys(named).filter(
      (name) => name !== parsed.canonical && named[name]?.manifest_digest === manifestDigest,
    );
    const user = others.length === 0 ? usedBy(manifestDigest) : undefined;
    if (user !== undefined) {
      throw new BerthError('IMAGE_IN_USE', {
        what,
        why: `container ${user} needs it`,
        mend: `Remove the container first: berth rm ${user}.`,
      });
    }
    await updateNames(roots, (names) => {
      const images = Object.fromEntries(
        Object.entries(names.images).filter(([name]) => name !== parsed.canonical),
      );
      const wanted = new Set(Object.values(images).map((entry) => entry.manifest_digest));
      // An unnamed image may still be under a container: its tag has moved on.
      const manifests = names.manifests.filter((known) => wanted.has(known) || usedBy(known) !== undefined);
      return { ...names, images, manifests };
    });
    discardUnwanted(roots);
    await emptyTrash(roots);
    return { name: parsed.canonical, manifestDigest, contentRemoved: others.length === 0 };
  } finally {
    lock.release();
  }
}
