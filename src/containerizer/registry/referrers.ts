import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import { hexOf } from '../../oci-spec/digest.js';
import { type Descriptor, indexShape } from '../../oci-spec/image.js';
import { ShapeError } from '../../oci-spec/shape.js';
import { documentBytes } from './limits.js';
import { nextPlace } from './next-place.js';
import type { Repository } from './repository.js';

/** Pages of a list, at most. */
const mostPages = 100;

/**
 * What says of a manifest that it belongs to it: signatures, lists of packages, attestations (distribution-spec 1.1, "Listing Referrers"). Where the registry has no such list, the
 * index under the tag that clients keep instead.
 */
export async function fetchReferrers(
  repository: Repository,
  digest: Digest,
  what: string,
): Promise<Descriptor[]> {
  const found: Descriptor[] = [];
  let at: string | URL = `referrers/${digest}`;
  for (let page = 0; page < mostPages; page++) {
    const { answer, bytes } = await repository.fetch({ at, expect: [200, 404], what }, documentBytes);
    if (answer.status === 404) return page === 0 ? taggedReferrers(repository, digest, what) : found;
    found.push(...manifestsIn(bytes, what));
    const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(String(answer.headers.link ?? ''))?.[1];
    if (next === undefined) return found;
    at = nextPlace(answer.url, next, what);
    if (at.origin !== answer.url.origin) throw malformed(what, 'the rest of the list is at another server');
  }
  throw malformed(what, `the list has more than ${mostPages} pages`);
}

async function taggedReferrers(repository: Repository, digest: Digest, what: string): Promise<Descriptor[]> {
  const headers = { accept: 'application/vnd.oci.image.index.v1+json' };
  const { answer, bytes } = await repository.fetch(
    { at: `manifests/sha256-${hexOf(digest)}`, headers, expect: [200, 404], what },
    documentBytes,
  );
  return answer.status === 404 ? [] : manifestsIn(bytes, what);
}

function manifestsIn(bytes: Buffer, what: string): Descriptor[] {
  try {
    return indexShape(JSON.parse(bytes.toString()) as unknown, '').manifests;
  } catch (error) {
    if (error instanceof ShapeError || error instanceof SyntaxError) throw malformed(what, error.message);
    throw error;
  }
}

function malformed(what: string, why: string): BerthError {
  return new BerthError('REGISTRY_FAILED', { what, why: `its list of referrers cannot be read: ${why}` });
}
