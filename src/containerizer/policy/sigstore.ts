import { type KeyObject, verify } from 'node:crypto';
import { BerthError } from '../../errors/berth-error.js';
import { ShapeError } from '../../oci-spec/shape.js';
import { type Certificate, certificatesIn } from './certificate.js';
import type { KeySource, Requirement } from './document.js';
import { keyOfSigner } from './fulcio.js';
import { algorithmOf, keyContents, publicKeys } from './keys.js';
import { readClaim, type SignedClaim } from './payload.js';
import { refused } from './refused.js';
import { timeInLog } from './rekor.js';
import type { SigstoreSignature } from './signatures.js';

type Sigstore = Extract<Requirement, { type: 'sigstoreSigned' }>;
type Opened = { by: string; claim: SignedClaim };

/** What checks signatures as the policy asks, by keys of its own or by certificates that were given for one signature; each says by whom, and what of the image. */
export function sigstoreOpener(
  { signer, log }: Sigstore,
  what: string,
): (given: SigstoreSignature) => Opened {
  const logKeys = log === undefined ? undefined : publicKeys(log).map(({ key }) => key);
  const find = 'keys' in signer ? byKey(signer.keys, logKeys) : byCertificate(signer, logKeys ?? []);
  return (given) => {
    const { payload, signature } = given;
    let found: { by: string; key: KeyObject } | undefined;
    let good = false;
    try {
      found = find(given);
      good = found !== undefined && verify(algorithmOf(found.key), payload, found.key, signature);
    } catch (error) {
      if (!isAbout(error)) throw error;
      throw refused(what, `its signature is not good: ${error.message}`);
    }
    if (found === undefined || !good)
      throw refused(what, 'its signature is not good: no key of the policy made it');
    return { by: found.by, claim: readClaim(payload, ['cosign container image signature']) };
  };
}

/** What foreign bytes are refused with: by what reads them here, and by node:crypto, which knows keys that sign nothing. */
function isAbout(error: unknown): error is Error {
  if (error instanceof SyntaxError || error instanceof ShapeError) return true;
  return error instanceof Error && /^ERR_(OSSL|CRYPTO)_/.test((error as NodeJS.ErrnoException).code ?? '');
}

type Find = (given: SigstoreSignature) => { by: string; key: KeyObject } | undefined;

function byKey(source: KeySource, logKeys: KeyObject[] | undefined): Find {
  const keys = publicKeys(source);
  return ({ payload, signature, bundle }) => {
    const found = keys.find(({ key }) => verify(algorithmOf(key), payload, key, signature));
    if (found === undefined) return undefined;
    if (logKeys !== undefined) {
      const signer = found.key.export({ type: 'spki', format: 'pem' }) as string;
      timeInLog(mustHave(bundle, 'the promise of a log'), logKeys, { payload, signature, signer });
    }
    return { by: found.name, key: found.key };
  };
}

/** A certificate of Fulcio's is good for minutes: the log says that the signature was made in them. */
function byCertificate(
  signer: Extract<Sigstore['signer'], { authorities: unknown }>,
  logKeys: KeyObject[],
): Find {
  const authorities = keyContents(signer.authorities).flatMap(({ name, content }) =>
    authoritiesIn(content, name),
  );
  return ({ payload, signature, certificate, chain, bundle }) => {
    const pem = { certificate: mustHave(certificate, 'a certificate'), chain };
    const logged = { payload, signature, signer: pem.certificate };
    const at = timeInLog(mustHave(bundle, 'the promise of a log'), logKeys, logged);
    const key = keyOfSigner(authorities, signer, pem, at);
    return { by: `${signer.subjectEmail}, known to ${signer.oidcIssuer}`, key };
  };
}

function mustHave(given: string | undefined, what: string): string {
  if (given === undefined) throw new SyntaxError(`it comes without ${what}`);
  return given;
}

function authoritiesIn(content: Buffer, name: string): Certificate[] {
  try {
    return certificatesIn(content.toString());
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new BerthError('TRUST_INVALID', { what: `certificates ${name}`, why: cause.message, cause });
  }
}
