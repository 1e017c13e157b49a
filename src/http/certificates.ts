import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { BerthError } from '../errors/berth-error.js';
import type { Door } from '../settings/door.js';

/** What a daemon or a client shows, and whom it believes: PEM texts, as node:tls takes them. */
export interface Certificates {
  cert?: string;
  key?: string;
  ca?: string;
}

/** Reads the files that are named; `''` names none. */
export function readCertificates({
  tlsCert,
  tlsKey,
  tlsCa,
}: Pick<Door, 'tlsCert' | 'tlsKey' | 'tlsCa'>): Certificates {
  const result: Certificates = {};
  if (tlsCa !== '') {
    result.ca = textOf(tlsCa);
    certificateIn(tlsCa, result.ca);
  }
  if (tlsCert === '' && tlsKey === '') return result;
  result.cert = textOf(tlsCert);
  result.key = textOf(tlsKey);
  if ((modeOf(tlsKey) & 0o077) !== 0)
    throw unfit(tlsKey, 'it is a key, and others can read it', `Run chmod 600 ${tlsKey}.`);
  const certificate = certificateIn(tlsCert, result.cert);
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(result.key);
  } catch {
    throw unfit(tlsKey, 'there is no key in it that can be used without a passphrase');
  }
  if (!certificate.checkPrivateKey(key)) throw unfit(tlsKey, `it is not the key of ${tlsCert}`);
  return result;
}

/** What is to be said of a certificate that is not valid now; undefined: it is. */
export function expiry(cert: string | undefined): string | undefined {
  if (cert === undefined) return undefined;
  const { validFrom, validTo } = new X509Certificate(cert);
  if (Date.parse(validTo) < Date.now())
    return `its certificate was valid until ${validTo}: nobody will believe it`;
  return Date.parse(validFrom) > Date.now() ? `its certificate is valid from ${validFrom} on` : undefined;
}

const textOf = (file: string) => found(file, () => readFileSync(file, 'utf8'));
const modeOf = (file: string) => found(file, () => statSync(file).mode);

function found<Value>(file: string, look: () => Value): Value {
  try {
    return look();
  } catch (error) {
    throw unfit(file, error instanceof Error ? error.message : String(error));
  }
}

function certificateIn(file: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw unfit(file, 'there is no certificate in it, as PEM has them');
  }
}

function unfit(file: string, why: string, mend?: string): BerthError {
  return new BerthError('CREDENTIALS_INVALID', { what: file, why, ...(mend !== undefined && { mend }) });
}
