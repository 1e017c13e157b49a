import type { PublicKey } from 'openpgp';
import { BerthError } from '../../errors/berth-error.js';
import type { Digest } from '../../oci-spec/digest.js';
import { ShapeError } from '../../oci-spec/shape.js';
import { openSigned, readKeys } from '../trust/openpgp.js';
import type { Policy, Requirement } from './document.js';
import { identityFits } from './identity.js';
import { keyContents } from './keys.js';
import { readClaim, type SignedClaim } from './payload.js';
import { refused } from './refused.js';
import { type ImageSource, requirementsFor } from './scope.js';
import type { SignatureSource, SigstoreSignature } from './signatures.js';
import { sigstoreOpener } from './sigstore.js';

export interface JudgedImage {
  source: ImageSource;
  /** The digests that stand for it: of its manifest, and of the index that it was chosen from. */
  digests: readonly Digest[];
}

/** One requirement, and what it was met by. */
export interface Verdict {
  requirement: Requirement['type'];
  /** A fingerprint, the file of a key, or a person as an issuer knows them. */
  by: string | null;
  /** What the signature says that the image is called. */
  identity: string | null;
}

/** Judges an image by a policy. `signatures` are asked for only if the policy wants some. Fails with SIGNATURE_REFUSED. */
export async function judge(
  policy: Policy,
  image: JudgedImage,
  signatures: SignatureSource,
  what: string,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const requirement of requirementsFor(policy, image.source)) {
    switch (requirement.type) {
      case 'insecureAcceptAnything':
        verdicts.push({ requirement: requirement.type, by: null, identity: null });
        break;
      case 'reject':
        throw refused(what, 'policy.json rejects it');
      case 'signedBy':
        verdicts.push(await signedBy(requirement, image, await signatures.simple(), what));
        break;
      case 'sigstoreSigned':
        verdicts.push(await sigstoreSigned(requirement, image, await signatures.sigstore(), what));
    }
  }
  return verdicts;
}

type Signed<T extends Requirement['type']> = Extract<Requirement, { type: T }>;

async function signedBy(
  requirement: Signed<'signedBy'>,
  image: JudgedImage,
  blobs: readonly Uint8Array[],
  what: string,
): Promise<Verdict> {
  const keys: PublicKey[] = [];
  for (const { name, content } of keyContents(requirement.keys))
    keys.push(...(await readKeys(content, name)));
  return firstGood(requirement, image, blobs, what, async (blob) => {
    const { content, fingerprint } = await openSigned(blob, keys, what);
    return { by: fingerprint, claim: readClaim(content, ['atomic container signature']) };
  });
}

async function sigstoreSigned(
  requirement: Signed<'sigstoreSigned'>,
  image: JudgedImage,
  blobs: readonly SigstoreSignature[],
  what: string,
): Promise<Verdict> {
  return firstGood(requirement, image, blobs, what, sigstoreOpener(requirement, what));
}

/** One signature is enough that is good, made for this image, and for its name; others may be anybody's. */
async function firstGood<T>(
  { type, identity }: Signed<'signedBy' | 'sigstoreSigned'>,
  { source, digests }: JudgedImage,
  signatures: readonly T[],
  what: string,
  open: (signature: T) => Promise<{ by: string; claim: SignedClaim }> | { by: string; claim: SignedClaim },
): Promise<Verdict> {
  const reasons: string[] = [];
  const wanted = source.transport === 'docker' ? source.scope : undefined;
  for (const signature of signatures) {
    try {
      const { by, claim } = await open(signature);
      if (!digests.includes(claim.digest)) reasons.push(`a signature is for ${claim.digest}`);
      else if (!identityFits(identity, claim.reference, wanted))
        reasons.push(`a signature is for the name ${JSON.stringify(claim.reference)}`);
      else return { requirement: type, by, identity: claim.reference };
    } catch (error) {
      if (error instanceof BerthError && error.code === 'SIGNATURE_REFUSED') reasons.push(error.why);
      else if (error instanceof ShapeError || error instanceof SyntaxError || error instanceof TypeError)
        reasons.push(`what was signed is no statement of an image: ${error.message}`);
      else throw error;
    }
  }
  throw refused(what, reasons[0] ?? 'policy.json wants it signed, and it has no signature');
}
