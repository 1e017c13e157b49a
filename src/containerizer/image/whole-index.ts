import { existsSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import {
  type Descriptor,
  indexShape,
  isIndexType,
  isManifestType,
  manifestShape,
} from '../../oci-spec/image.js';
import { shaped, verifyContent } from './documents.js';
import { blobName, type LayoutFiles } from './layout-files.js';
import { indexBytes, indexDepth, indexDocuments } from './limits.js';
import { documentOf, type IndexDocument, type LayoutImage, readBlob } from './oci-layout.js';
import { platformName } from './platform.js';

/** All that an index leads to. */
export interface WholeIndex {
  indexDigest: Digest;
  /** What a document names stands before it; the index itself is the last. */
  documents: IndexDocument[];
  /** Configurations and layers, whatever they are for, and their sizes. Foreign layers are their vendor's to give. */
  blobs: Map<Digest, number>;
}

/** Follows an index to every manifest of every platform; `read` gives what a descriptor names, verified. Each is read once, however often it is named. */
export async function walkIndex(
  top: IndexDocument,
  read: (descriptor: Descriptor) => Promise<Buffer>,
  what: string,
): Promise<WholeIndex> {
  const documents = new Map<Digest, IndexDocument>();
  const blobs = new Map<Digest, number>();
  let total = 0;
  const visit = async (document: IndexDocument, depth: number): Promise<void> => {
    const { digest, mediaType, bytes } = document;
    if (depth > indexDepth) {
      throw new BerthError('IMAGE_HOSTILE', { what, why: `it nests more than ${indexDepth} indexes` });
    }
    const value = documentOf(bytes, { mediaType }, what);
    if (isIndexType(mediaType)) {
      for (const child of shaped(value, indexShape, what, 'index').manifests) {
        const before = documents.get(child.digest);
        if (before !== undefined) {
          mustAgree(child, before.bytes.length, what, before.mediaType);
          continue;
        }
        if (documents.size >= indexDocuments) {
          throw new BerthError('IMAGE_HOSTILE', {
            what,
            why: `its index leads to more than ${indexDocuments} manifests`,
          });
        }
        const content = await read(child);
        verifyContent(content, child, what);
        total += content.length;
        if (total > indexBytes) {
          throw new BerthError('IMAGE_HOSTILE', {
            what,
            why: `its index leads to more than ${indexBytes} bytes of manifests`,
          });
        }
        await visit({ digest: child.digest, mediaType: child.mediaType, bytes: content }, depth + 1);
      }
    } else if (isManifestType(mediaType)) {
      const { config, layers } = shaped(value, manifestShape, what, 'manifest');
      for (const each of [config, ...layers]) {
        if (/\.foreign\.|nondistributable/.test(each.mediaType)) continue;
        mustAgree(each, blobs.get(each.digest) ?? each.size, what);
        blobs.set(each.digest, each.size);
      }
    } else {
      throw new BerthError('IMAGE_INVALID', {
        what,
        why: `its index names ${JSON.stringify(mediaType)}, which is not a known kind of manifest`,
      });
    }
    documents.set(digest, document);
  };
  await visit(top, 0);
  return { indexDigest: top.digest, documents: [...documents.values()], blobs };
}

/** What is named twice is the same both times: else which of the two counts would depend on who reads it. */
function mustAgree(
  { digest, size, mediaType }: Descriptor,
  sizeBefore: number,
  what: string,
  typeBefore = mediaType,
): void {
  if (size === sizeBefore && mediaType === typeBefore) return;
  throw new BerthError('IMAGE_INVALID', {
    what,
    why:
      size === sizeBefore
        ? `${digest} is referred to as ${typeBefore} and as ${mediaType}`
        : `${digest} should have ${sizeBefore} bytes, and elsewhere ${size}`,
  });
}

/** All that the index leads to which an image of a layout was chosen from; undefined: it stands alone. Fails unless all of it is there. */
export async function wholeOfLayout(
  files: LayoutFiles,
  { index, scattered }: LayoutImage,
  what: string,
): Promise<WholeIndex | undefined> {
  if (scattered) {
    throw new BerthError('IMAGE_INVALID', {
      what,
      why: 'its platforms have no index of their own: they stand in index.json, beside other images',
      mend: 'Leave out --all-platforms, or have whoever wrote it put them into an index.',
    });
  }
  if (index === undefined) return undefined;
  const read = async (child: Descriptor): Promise<Buffer> => {
    if (!isThere(files, child.digest)) throw partial(what, child.digest, child.platform);
    return readBlob(files, child, what);
  };
  const whole = await walkIndex(index, read, what);
  for (const digest of whole.blobs.keys()) if (!isThere(files, digest)) throw partial(what, digest);
  return whole;
}

function isThere(files: LayoutFiles, digest: Digest): boolean {
  const file = files.path(blobName(digest));
  return file !== undefined && existsSync(file);
}

function partial(what: string, digest: Digest, platform?: Descriptor['platform']): BerthError {
  const owner = platform === undefined ? '' : ` (${platformName(platform)})`;
  return new BerthError('IMAGE_INVALID', {
    what,
    why: `it has not all that its index leads to: ${digest}${owner} is missing`,
    mend: "Leave out --all-platforms to take this host's platform alone.",
  });
}
