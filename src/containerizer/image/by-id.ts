import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import { hexOf } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { readNames } from './names.js';
import { readSound } from './stored-documents.js';

const idForm = /^(?:sha256:)?([0-9a-f]{4,64})$/;

/**
 * The manifest of the image that has an id, or one that begins so: the digest of its manifest, as `image ls` shows it, or of its
 * configuration, which Docker calls an image's id. Undefined: none has.
 */
export function imageById(roots: Roots, text: string): Digest | undefined {
  const wanted = idForm.exec(text)?.[1];
  if (wanted === undefined) return undefined;
  const found = readNames(roots).manifests.filter((digest) => {
    if (hexOf(digest).startsWith(wanted)) return true;
    const config = readSound(roots, digest)?.manifest.config.digest;
    return config !== undefined && hexOf(config).startsWith(wanted);
  });
  if (found.length > 1) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what: `image ${text}`,
      why: `${found.length} images have ids that begin so`,
      mend: `Give more of the id: ${found
        .slice(0, 5)
        .map((digest) => hexOf(digest).slice(0, wanted.length + 8))
        .join(', ')}.`,
    });
  }
  return found[0];
}

/** Every name of an image, sorted. */
export function namesOf(roots: Roots, manifestDigest: Digest): string[] {
  const { images } = readNames(roots);
  return Object.keys(images)
    .filter((name) => images[name]?.manifest_digest === manifestDigest)
    .sort();
}
