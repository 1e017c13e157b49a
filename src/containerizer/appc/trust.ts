import { existsSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { readNames } from '../image/names.js';
import { fingerprintsFor, isTrustConfigured, keysFor } from '../trust/key-store.js';
import { verifyDetached } from '../trust/openpgp.js';
import type { AppcRecord } from './record.js';

/** What comes over a network must be signed; what lies on this host only where keys are trusted for its name. */
export type Origin = 'network' | 'file';

/**
 * The key that signed an ACI; undefined where it need not be signed, and is not. `insecure`: nobody needs to have signed anything.
 */
export async function checkSigned(
  roots: Roots,
  aci: { name: string; file: string; signature: Buffer | undefined; origin: Origin },
  insecure: boolean,
  what: string,
): Promise<string | undefined> {
  const { name, file, signature, origin } = aci;
  if (insecure) return undefined;
  const mustBe = origin === 'network' || isTrustConfigured(roots, name);
  if (!mustBe) return undefined;
  const keys = await keysFor(roots, name);
  if (keys.length === 0) throw noKey(what, name);
  if (signature === undefined) throw unsigned(what, `it is not signed, and images of ${name} must be`, name);
  return verifyDetached(file, signature, keys, what);
}

/** For one that the store has: it was verified when it came, and the key must still be one that is trusted. */
export function mustBeTrusted(roots: Roots, { name, signed_by }: AppcRecord, what: string): void {
  if (!isTrustConfigured(roots, name)) return;
  if (signed_by !== undefined && fingerprintsFor(roots, name).includes(signed_by)) return;
  throw unsigned(
    what,
    signed_by === undefined
      ? `it came without a signature, and images of ${name} must be signed`
      : `it was signed by ${signed_by}, which is not trusted any more`,
    name,
  );
}

export function noKey(what: string, name: string): BerthError {
  return unsigned(what, `no key is trusted for ${name}, so nothing says whose it is`, name);
}

function unsigned(what: string, why: string, name: string): BerthError {
  return new BerthError('SIGNATURE_REFUSED', {
    what,
    why,
    mend: `Trust the key of its makers: berth trust add --prefix ${name} KEYFILE. Or do without, for this once: --insecure-options image.`,
  });
}

/** Of an image of the store; undefined: it did not come as an ACI. */
export function appcRecordOf(roots: Roots, manifestDigest: Digest): AppcRecord | undefined {
  const { appc = {} } = readNames(roots);
  return Object.hasOwn(appc, manifestDigest) ? appc[manifestDigest] : undefined;
}

/** A signature lies beside its file (aci.md, "Image Archives"). */
export function signatureBeside(file: string): string | undefined {
  const beside = `${file}.asc`;
  return existsSync(beside) ? beside : undefined;
}
