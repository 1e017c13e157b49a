import { type Digest, isDigest } from '../../oci-spec/digest.js';
import { object, ShapeError, text } from '../../oci-spec/shape.js';

/** What was signed: that the image of this digest has this name (containers-signature(5), "JSON Data Format"; cosign's SIGNATURE_SPEC.md has the same). */
export interface SignedClaim {
  digest: Digest;
  reference: string;
}

const shape = object(
  {
    critical: object(
      {
        type: text(),
        image: object({ 'docker-manifest-digest': text() }, {}),
        identity: object({ 'docker-reference': text() }, {}),
      },
      {},
    ),
  },
  {},
);

/** Throws ShapeError or SyntaxError for what is none of that type. */
export function readClaim(content: Uint8Array, types: readonly string[]): SignedClaim {
  const { critical } = shape(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content)), '');
  if (!types.includes(critical.type)) throw new ShapeError('critical.type', types.join(' or '));
  const digest = critical.image['docker-manifest-digest'];
  if (!isDigest(digest)) throw new ShapeError('critical.image.docker-manifest-digest', 'a sha256 digest');
  return { digest, reference: critical.identity['docker-reference'] };
}
