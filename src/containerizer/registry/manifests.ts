import { BerthError } from '../../errors/berth-error.js';
import { type Digest, digestOf } from '../../oci-spec/digest.js';
import { indexMediaType, indexTypes, manifestMediaType, manifestTypes } from '../../oci-spec/image.js';
import { schema1Payload, schema1Types } from '../../oci-spec/schema1.js';
import { ShapeError } from '../../oci-spec/shape.js';
import { discard } from './body.js';
import { answerBytes, documentBytes } from './limits.js';
import type { Repository } from './repository.js';
import { Transient } from './trouble.js';

/** A manifest or an index as it came. The digest is that of the bytes: what the registry says of it is not believed. */
export interface RemoteDocument {
  mediaType: string;
  digest: Digest;
  bytes: Buffer;
}

const accepted = [...indexTypes, ...manifestTypes].join(', ');

/** By its tag, or by its digest, which it then must have. */
export async function fetchManifest(
  repository: Repository,
  target: { tag: string } | { digest: Digest; size?: number },
  what: string,
): Promise<RemoteDocument> {
  const name = 'tag' in target ? target.tag : target.digest;
  return repository.retries.run(what, async () => {
    const { answer, bytes } = await repository.fetch(
      { at: `manifests/${name}`, headers: { accept: accepted }, expect: [200], what },
      documentBytes,
    );
    const length = answer.headers['content-length'];
    if (length !== undefined && Number(length) !== bytes.length)
      throw new Transient('a manifest was cut short');
    const mediaType = mediaTypeOf(answer.headers['content-type'], bytes);
    const digest = digestOfManifest(bytes, mediaType, what);
    if ('digest' in target && digest !== target.digest) {
      throw new BerthError('IMAGE_CORRUPT', {
        what,
        why: `${answer.url.host} sends a manifest with the digest ${digest} for ${target.digest}`,
        mend: 'Try again; if it stays so, the registry or something on the way to it is broken.',
      });
    }
    return { mediaType, digest, bytes };
  });
}

/** What the document calls itself, else what the registry calls it; of plain web servers, which call it JSON or text, what it looks like. */
function mediaTypeOf(header: string | undefined, bytes: Buffer): string {
  const stated = header?.split(';')[0]?.trim().toLowerCase() ?? '';
  let document: {
    mediaType?: unknown;
    schemaVersion?: unknown;
    manifests?: unknown;
    config?: unknown;
  } | null;
  try {
    document = JSON.parse(bytes.toString()) as typeof document;
  } catch {
    // It is refused with its reason when it is read as what it should be.
    return stated;
  }
  if (typeof document?.mediaType === 'string') return document.mediaType;
  if (!saysNothing.has(stated) || document?.schemaVersion !== 2) return stated;
  if (document.manifests !== undefined) return indexMediaType;
  return document.config === undefined ? stated : manifestMediaType;
}

/** Of any document at all. */
const saysNothing = new Set(['', 'application/json', 'application/octet-stream', 'text/plain']);

/** A signed one's digest is that of what was signed. */
function digestOfManifest(bytes: Buffer, mediaType: string, what: string): Digest {
  if (!schema1Types.has(mediaType)) return digestOf(bytes);
  try {
    return digestOf(schema1Payload(bytes));
  } catch (cause) {
    if (!(cause instanceof ShapeError) && !(cause instanceof SyntaxError)) throw cause;
    throw new BerthError('IMAGE_INVALID', {
      what,
      why: `the signatures of its manifest of schema 1 are malformed: ${cause.message}`,
      cause,
    });
  }
}

/** A small blob, such as a configuration, whole and verified. */
export async function fetchSmallBlob(
  repository: Repository,
  { digest, size }: { digest: Digest; size: number },
  what: string,
): Promise<Buffer> {
  if (size > documentBytes) {
    throw new BerthError('IMAGE_HOSTILE', {
      what,
      why: `its configuration has ${size} bytes, over the limit of ${documentBytes} for a document`,
    });
  }
  return repository.retries.run(what, async () => {
    const { bytes } = await repository.fetch({ at: `blobs/${digest}`, expect: [200], what }, size);
    const found = digestOf(bytes);
    if (bytes.length === size && found === digest) return bytes;
    throw new Transient(
      `${digest.slice(0, 19)} came with ${bytes.length} bytes and the digest ${found.slice(0, 19)}`,
    );
  });
}

/** How large a blob is that nothing states the size of. */
export async function blobSize(repository: Repository, digest: Digest, what: string): Promise<number> {
  const answer = await repository.ask({ method: 'HEAD', at: `blobs/${digest}`, expect: [200], what });
  await discard(answer, answerBytes, repository.transport.limits);
  const size = Number(answer.headers['content-length']);
  if (Number.isSafeInteger(size) && size >= 0) return size;
  throw new BerthError('REGISTRY_FAILED', {
    what,
    why: `${answer.url.host} does not say how large ${digest} is`,
  });
}
