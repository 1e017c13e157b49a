import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { tellImage } from '../events/tell.js';
import { storeName } from './load.js';
import { updateNames } from './names.js';
import { parseReference } from './reference.js';
import { requireRoot } from './root-only.js';
import { Session } from './store.js';
import { lookUp } from './stored-image.js';

/** Gives an image of the store one more name. An image that had the name before keeps its others. */
export async function tagImage(
  roots: Roots,
  reference: string,
  name: string,
): Promise<{ name: string; manifestDigest: Digest }> {
  requireRoot(`image ${reference}`);
  const canonical = storeName(name);
  // Nobody removes anything meanwhile.
  const session = await Session.open(roots);
  try {
    const parsed = parseReference(reference);
    const image = lookUp(roots, parsed, reference);
    if (image === undefined) {
      throw new BerthError('IMAGE_NOT_FOUND', {
        what: `image ${reference}`,
        why: 'it is not in the store, or has changed since it was loaded',
        mend: `Load it under that name: berth image load ${reference} ${canonical}.`,
      });
    }
    const { manifest_digest, source } = image;
    // Of one that is called after where it lies, that is where it lies.
    const index_digest = parsed.kind === 'stored' ? image.index_digest : undefined;
    await updateNames(roots, (names) => ({
      ...names,
      images: {
        ...names.images,
        [canonical]: {
          manifest_digest,
          loaded_at: new Date().toISOString(),
          ...(source === undefined ? {} : { source }),
          ...(index_digest === undefined ? {} : { index_digest }),
        },
      },
    }));
    tellImage(roots, manifest_digest, canonical, 'tag');
    return { name: canonical, manifestDigest: manifest_digest };
  } finally {
    await session.close();
  }
}
