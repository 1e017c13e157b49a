import { createHash, type KeyObject, verify } from 'node:crypto';
import { constant, integer, object, ShapeError, text } from '../../oci-spec/shape.js';
import { algorithmOf } from './keys.js';

/** What a log has promised to hold: that someone has signed something with a key or a certificate, and when. */
export interface LoggedSignature {
  payload: Uint8Array;
  signature: Uint8Array;
  /** In PEM. */
  signer: string;
}

// cosign's bundle, and rekor's hashedrekord of version 0.0.1 in it.
const bundleShape = object(
  {
    SignedEntryTimestamp: text(),
    Payload: object(
      { body: text({ most: 1 << 22 }), integratedTime: integer(), logIndex: integer(), logID: text() },
      {},
    ),
  },
  {},
);
const entryShape = object(
  {
    apiVersion: constant('0.0.1'),
    kind: constant('hashedrekord'),
    spec: object(
      {
        data: object({ hash: object({ algorithm: constant('sha256'), value: text() }, {}) }, {}),
        signature: object(
          { content: text(), publicKey: object({ content: text({ most: 1 << 22 }) }, {}) },
          {},
        ),
      },
      {},
    ),
  },
  {},
);

/**
 * When the log that has this key took in that signature. Nobody is asked: the log has signed that (its "signed entry timestamp"). Throws SyntaxError or ShapeError with the
 * reason.
 */
export function timeInLog(bundle: string, logKeys: readonly KeyObject[], given: LoggedSignature): Date {
  const { SignedEntryTimestamp, Payload } = bundleShape(JSON.parse(bundle), '');
  const stated = (JSON.parse(bundle) as { Payload: object }).Payload;
  if (Object.keys(stated).length !== Object.keys(Payload).length)
    throw new SyntaxError('its promise has members that are not known');
  const { body, integratedTime, logIndex, logID } = Payload;
  // RFC 8785: members in the order of their names, nothing between them.
  const canonical = Buffer.from(JSON.stringify({ body, integratedTime, logID, logIndex }));
  const promise = Buffer.from(SignedEntryTimestamp, 'base64');
  if (!logKeys.some((key) => verify(algorithmOf(key), canonical, key, promise)))
    throw new SyntaxError('the log of the policy has not promised to hold its signature');
  const { spec } = entryShape(JSON.parse(Buffer.from(body, 'base64').toString()), '');
  const same =
    spec.data.hash.value === createHash('sha256').update(given.payload).digest('hex') &&
    Buffer.from(spec.signature.content, 'base64').equals(given.signature) &&
    derOf(Buffer.from(spec.signature.publicKey.content, 'base64').toString()).equals(derOf(given.signer));
  if (!same) throw new SyntaxError('what the log holds is another signature');
  return new Date(integratedTime * 1000);
}

/** What stands in the one block of a PEM text. */
function derOf(pem: string): Buffer {
  const [, label, content = ''] =
    /^\s*-----BEGIN (CERTIFICATE|PUBLIC KEY)-----([A-Za-z0-9+/=\s]+)-----END \1-----\s*$/.exec(pem) ?? [];
  if (label === undefined) throw new ShapeError('a signer', 'one key or certificate in PEM');
  return Buffer.from(content, 'base64');
}
