import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { PublicKey, VerifyMessageResult } from 'openpgp';
import { BerthError } from '../../errors/berth-error.js';

/** A public key that may sign images. */
export interface SigningKey {
  /** Of the primary key: hexadecimal, in capitals. */
  fingerprint: string;
  users: string[];
  /** RFC 3339. */
  created: string;
  expires: string | null;
}

/** The library is large: what checks no signature does not load it. */
const library = () => import('openpgp');

/** Every public key of a file, armoured or not. */
export async function readKeys(bytes: Uint8Array, what: string): Promise<PublicKey[]> {
  const openpgp = await library();
  try {
    const keys: PublicKey[] = [];
    for (const block of blocksOf(bytes)) {
      const read =
        typeof block === 'string'
          ? await openpgp.readKeys({ armoredKeys: block })
          : await openpgp.readKeys({ binaryKeys: block });
      keys.push(...read.map((key) => key.toPublic()));
    }
    if (keys.length > 0) return keys;
  } catch (cause) {
    throw new BerthError('TRUST_INVALID', { what, why: `it holds no OpenPGP keys: ${reason(cause)}`, cause });
  }
  throw new BerthError('TRUST_INVALID', { what, why: 'it holds no OpenPGP keys' });
}

/** The armoured blocks of a text one by one, else all of it. */
function blocksOf(bytes: Uint8Array): (string | Uint8Array)[] {
  const text = Buffer.from(bytes).toString('latin1');
  const blocks = text.match(
    /-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g,
  );
  return blocks ?? [bytes];
}

export async function describeKey(key: PublicKey): Promise<SigningKey> {
  const expires = await key.getExpirationTime();
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    users: key.getUserIDs(),
    created: key.getCreationTime().toISOString(),
    expires: expires instanceof Date ? expires.toISOString() : null,
  };
}

/**
 * The fingerprint of the key that made a detached signature of a file, in ASCII armour or not. Fails with SIGNATURE_REFUSED where none of the keys did, or the one that did was
 * not valid then, or is not any more.
 */
export async function verifyDetached(
  file: string,
  signature: Uint8Array,
  keys: PublicKey[],
  what: string,
): Promise<string> {
  const openpgp = await library();
  try {
    const text = Buffer.from(signature).toString('latin1');
    const parsed = text.includes('-----BEGIN PGP')
      ? await openpgp.readSignature({ armoredSignature: text })
      : await openpgp.readSignature({ binarySignature: signature });
    const content = Readable.toWeb(
      createReadStream(file, { highWaterMark: 1 << 20 }),
    ) as ReadableStream<Uint8Array>;
    const message = await openpgp.createMessage({ binary: content });
    const verified = await openpgp.verify({
      message,
      signature: parsed,
      verificationKeys: keys,
      format: 'binary',
    });
    // What is signed is hashed as it is read from here.
    const reader = (verified.data as ReadableStream<Uint8Array>).getReader();
    while (!(await reader.read()).done);
    return await signerOf(verified.signatures, keys);
  } catch (error) {
    throw refused(error, what);
  }
}

/** The content of a signed message (simple signing, and `gpg --sign`), and the key that signed it. Fails as `verifyDetached` does. */
export async function openSigned(
  bytes: Uint8Array,
  keys: PublicKey[],
  what: string,
): Promise<{ content: Uint8Array; fingerprint: string }> {
  const openpgp = await library();
  try {
    const message = await openpgp.readMessage({ binaryMessage: bytes });
    const verified = await openpgp.verify({ message, verificationKeys: keys, format: 'binary' });
    return { content: verified.data, fingerprint: await signerOf(verified.signatures, keys) };
  } catch (error) {
    throw refused(error, what);
  }
}

/** One good signature by one of the keys is enough; others may be by keys that nobody here knows. */
async function signerOf(
  signatures: VerifyMessageResult['signatures'],
  keys: readonly PublicKey[],
): Promise<string> {
  let failure: unknown;
  for (const { verified, keyID } of signatures) {
    try {
      await verified;
      const signer = keys.find((key) => key.getKeys(keyID).length > 0);
      // A key that has expired or was revoked since vouches for nothing any more.
      await signer?.verifyPrimaryKey();
      if (signer !== undefined) return signer.getFingerprint().toUpperCase();
    } catch (error) {
      failure ??= new Error(`${keyID.toHex().toUpperCase()}: ${reason(error)}`);
    }
  }
  throw failure ?? new Error('it has no signature');
}

function refused(error: unknown, what: string): BerthError {
  if (error instanceof BerthError) return error;
  return new BerthError('SIGNATURE_REFUSED', {
    what,
    why: `its signature is not good: ${reason(error)}`,
    cause: error,
  });
}

function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
