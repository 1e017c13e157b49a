import { type Digest, digestPattern } from './digest.js';
import { constant, flag, integer, list, type Of, object, type Shape, text } from './shape.js';

/** Docker's manifests of schema 1 (distribution, "Image Manifest Version 2, Schema 1"), which are read and never written. */
export const schema1Types = new Set([
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/vnd.docker.distribution.manifest.v1+json',
]);

const digest = text({ pattern: digestPattern, expected: 'a sha256 digest' }) as Shape<Digest>;

/** Of every layer, the topmost first: its blob, and a document about the image as it was with that layer. */
export const schema1Shape = object(
  {
    schemaVersion: constant(1),
    fsLayers: list(object({ blobSum: digest }, {}), 500),
    history: list(object({ v1Compatibility: text({ most: 4 << 20 }) }, {}), 500),
  },
  { architecture: text() },
);

export const schema1LayerShape = object(
  {},
  {
    architecture: text(),
    os: text(),
    variant: text(),
    created: text(),
    author: text(),
    comment: text(),
    /** The layer changes no file, and its blob counts for nothing. */
    throwaway: flag,
    container_config: object({}, { Cmd: list(text()) }),
  },
);
export type Schema1Layer = Of<typeof schema1LayerShape>;

const signedShape = object({ signatures: list(object({ protected: text() }, {}), 100) }, {});
const protectedShape = object({ formatLength: integer(1), formatTail: text() }, {});

/**
 * What a document's signatures are about, and its digest too: it without them, byte for byte. Each says where they were put in. The signatures
 * themselves are not looked at: whoever made them put the key beside them. Fails with ShapeError or SyntaxError.
 */
export function schema1Payload(bytes: Buffer): Buffer {
  const value = JSON.parse(bytes.toString()) as { signatures?: unknown } | null;
  if (value?.signatures === undefined) return bytes;
  const [first] = signedShape(value, '').signatures;
  if (first === undefined) return bytes;
  const json = JSON.parse(Buffer.from(first.protected, 'base64url').toString()) as unknown;
  const { formatLength, formatTail } = protectedShape(json, 'signatures[0].protected');
  return Buffer.concat([bytes.subarray(0, formatLength), Buffer.from(formatTail, 'base64url')]);
}
