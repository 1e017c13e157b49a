import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import type { AppcOptions } from '../appc/fetch-aci.js';
import { ArchiveFiles } from './archive-files.js';
import { chooseTag } from './choose-tag.js';
import { mustHoldImages, resolveSaved, savedImages } from './docker-archive.js';
import { folderFiles, type LayoutFiles } from './layout-files.js';
import { readNames } from './names.js';
import { type ResolvedImage, resolveLayout, resolveManifest } from './oci-layout.js';
import { packedTree } from './plain-tree.js';
import type { ImageReference } from './reference.js';
import { sourceStamp } from './source-stamp.js';
import { type Session, storePaths } from './store.js';
import type { ImageToStore } from './store-images.js';
import { namedIn } from './stored-image.js';
import { type WholeIndex, wholeOfLayout } from './whole-index.js';

/** An image, and what stands for where it was found. */
export interface FoundImage {
  image: ResolvedImage;
  /** Stands for the layout or archive (source-stamp.ts). */
  stamp?: Digest;
  /** Of the index that it was chosen from. */
  indexDigest?: Digest;
  /** That index with all that it leads to. */
  whole?: WholeIndex;
  /** Of an ACI: what it is called, and what the store keeps beside it. */
  appc?: NonNullable<ImageToStore['appc']> & { name: string };
}

/** Finds the image that a reference names. Archives are taken apart in the session's folder; the others need none. */
export async function resolveIn(
  roots: Roots,
  session: Session | undefined,
  parsed: ImageReference,
  what: string,
  options: AppcOptions & { allPlatforms?: boolean | undefined } = {},
): Promise<FoundImage> {
  if (parsed.kind === 'stored' || parsed.kind === 'appc')
    return { image: resolveStored(roots, parsed, what) };
  if (parsed.kind === 'aci') {
    if (session === undefined) throw new RangeError('an ACI is read in a session');
    return (await import('../appc/resolve-aci.js')).resolveAci(roots, session, parsed.file, options, what);
  }
  if (parsed.kind === 'tree') return { image: await packedTree(parsed.directory, session, what) };
  if (parsed.kind === 'layout') {
    return inLayout(folderFiles(parsed.directory), parsed.tag, options.allPlatforms === true, what);
  }
  const stamp = sourceStamp(parsed, what);
  if (stamp === undefined || session === undefined) {
    throw new BerthError('IMAGE_NOT_FOUND', { what, why: `there is no file ${parsed.file}` });
  }
  const files = await ArchiveFiles.open(session, parsed.file, parsed.file, what);
  mustHoldImages(files, what);
  if (parsed.form === 'oci-archive') {
    if (!files.has('oci-layout')) {
      throw new BerthError('IMAGE_NOT_FOUND', {
        what,
        why: 'it is no OCI archive: it has no oci-layout',
        mend: `It is one of docker save: docker-archive:${parsed.file}.`,
      });
    }
    const found = await inLayout(files, parsed.tag, options.allPlatforms === true, what);
    return { ...found, stamp };
  }
  if (options.allPlatforms === true && files.has('oci-layout')) {
    throw new BerthError('USAGE', {
      what,
      why: 'what docker save writes has an image for one platform',
      mend: `It is an OCI archive too: oci-archive:${parsed.file}.`,
    });
  }
  const saved = savedImages(files, what);
  const tags = saved.flatMap((each) => each.RepoTags ?? []);
  const tag = chooseTag(tags, parsed.tag, what);
  const chosen =
    tag === undefined ? onlyOne(saved, what) : saved.find((each) => each.RepoTags?.includes(tag));
  return { image: await resolveSaved(files, session, chosen ?? onlyOne(saved, what), what), stamp };
}

async function inLayout(
  files: LayoutFiles,
  tag: string | undefined,
  allPlatforms: boolean,
  what: string,
): Promise<FoundImage & { stamp: Digest }> {
  const found = resolveLayout(files, tag, what);
  const whole = allPlatforms ? await wholeOfLayout(files, found, what) : undefined;
  return {
    image: found.image,
    stamp: found.stamp,
    ...(found.index === undefined ? {} : { indexDigest: found.index.digest }),
    ...(whole === undefined ? {} : { whole }),
  };
}

function onlyOne<T>(images: readonly T[], what: string): T {
  const [only, second] = images;
  if (only !== undefined && second === undefined) return only;
  throw new BerthError('IMAGE_NOT_FOUND', {
    what,
    why:
      only === undefined
        ? 'the archive has no image'
        : 'the archive has several images, and they have no tags',
  });
}

function resolveStored(roots: Roots, parsed: ImageReference, what: string): ResolvedImage {
  const named = namedIn(readNames(roots), parsed);
  if (named === undefined) {
    throw new BerthError('IMAGE_NOT_FOUND', {
      what,
      why: 'it is not in the store',
      mend: 'See berth image ls.',
    });
  }
  return resolveManifest(storeFiles(roots), { digest: named.manifest_digest }, what, true);
}

/** The store's own blobs. They are verified anew whenever a layer is unpacked, and need no copy. */
export function storeFiles(roots: Roots) {
  return { ...folderFiles(storePaths(roots).base), verified: true };
}
