import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import { indexMediaType, indexShape } from '../../oci-spec/image.js';
import type { Roots } from '../../state/roots.js';
import { parseDocument, verifyContent } from './documents.js';
import { blobName } from './layout-files.js';
import { type NamedImage, readNames } from './names.js';
import { readFile } from './oci-layout.js';
import { platformName } from './platform.js';
import { storeFiles } from './resolve.js';
import { type WholeIndex, walkIndex } from './whole-index.js';

/**
 * The index that an image of the store was chosen from, with all that it leads to. Undefined: it is from no index, so there is nothing more of it than the image. Fails where the store has
 * kept one platform alone.
 */
export async function keptIndex(
  roots: Roots,
  { index_digest }: NamedImage,
  what: string,
): Promise<WholeIndex | undefined> {
  if (index_digest === undefined) return undefined;
  if (!isKept(roots, index_digest)) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what,
      why: 'the store has it for one platform alone',
      mend: 'Fetch all of them first: berth image pull --all-platforms, or berth image load --all-platforms.',
    });
  }
  const bytes = readKept(roots, index_digest, what);
  const { mediaType = indexMediaType } = parseDocument(bytes, indexShape, what, 'index');
  const top = { digest: index_digest, mediaType, bytes };
  return walkIndex(top, async ({ digest }) => readKept(roots, digest, what), what);
}

/** The index that is kept whole with an image, if one is, and the platforms that it names. */
export function keptPlatforms(
  roots: Roots,
  { index_digest: digest }: Pick<NamedImage, 'index_digest'>,
  what: string,
): { digest: Digest; platforms: string[] } | undefined {
  if (digest === undefined || !isKept(roots, digest)) return undefined;
  const { manifests } = parseDocument(readKept(roots, digest, what), indexShape, what, 'index');
  // What is no image (attestations, for example) stands there as unknown/unknown.
  const platforms = manifests.flatMap(({ platform }) =>
    platform === undefined || platform.os === 'unknown' ? [] : [platformName(platform)],
  );
  return { digest, platforms };
}

function isKept(roots: Roots, digest: Digest): boolean {
  return readNames(roots).indexes?.[digest] !== undefined;
}

function readKept(roots: Roots, digest: Digest, what: string): Buffer {
  const bytes = readFile(storeFiles(roots), blobName(digest), what);
  if (bytes === undefined) throw new BerthError('STATE_DAMAGED', { what, why: `the store lacks ${digest}` });
  verifyContent(bytes, { digest }, what);
  return bytes;
}
