import type { KeyObject, X509Certificate } from 'node:crypto';
import { type Certificate, certificatesIn, elements, identifier, oid } from './certificate.js';

/** Whom a certificate of Fulcio must be for (containers-policy.json(5), "fulcio"). */
export interface Signer {
  oidcIssuer: string;
  subjectEmail: string;
}

/** What Fulcio notes of who has proven who they are: as plain text, and in a newer form as a UTF8String (fulcio, docs/oid-info.md). */
const issuerPlain = '1.3.6.1.4.1.57264.1.1';
const issuerString = '1.3.6.1.4.1.57264.1.8';

/** Extensions that are looked at; another one that is critical is a reason to refuse (RFC 5280, 4.2). */
const known = new Set<string>([oid.keyUsage, oid.subjectAltName, oid.basicConstraints, oid.extendedKeyUsage]);

/** Certificates between a signer's and an authority's. */
const longestPath = 6;

/**
 * The key of a signer's certificate, if one of the authorities vouches for it at that time and it was given to that person for signing. `chain`: what may stand in between,
 * believed in nothing. Throws SyntaxError with the reason.
 */
export function keyOfSigner(
  authorities: readonly Certificate[],
  { oidcIssuer, subjectEmail }: Signer,
  pem: { certificate: string; chain: string | undefined },
  at: Date,
): KeyObject {
  const [own, another] = certificatesIn(pem.certificate);
  if (own === undefined || another !== undefined) throw new SyntaxError('it has not one certificate');
  const between = pem.chain === undefined ? [] : certificatesIn(pem.chain);
  if (!isFit(own, at) || !usages(own)?.includes(oid.codeSigning))
    throw new SyntaxError('its certificate was not for signing at that time');
  if (!leadsToOne(own, authorities, between, at))
    throw new SyntaxError('no authority of the policy vouches for its certificate at that time');
  const issuer = statedIssuer(own);
  if (issuer !== oidcIssuer)
    throw new SyntaxError(`its signer was known to ${JSON.stringify(issuer)}, not to ${oidcIssuer}`);
  const emails = emailsOf(own);
  if (!emails.includes(subjectEmail))
    throw new SyntaxError(
      `its signer is ${emails.join(', ') || 'nobody with an address'}, not ${subjectEmail}`,
    );
  return own.x509.publicKey;
}

/**
 * RFC 5280, 6: by names, signatures, times, and what each may sign. Outward from the signer, each certificate looked at once: whatever an image brings along takes no longer than
 * that.
 */
function leadsToOne(
  own: Certificate,
  authorities: readonly Certificate[],
  between: readonly Certificate[],
  at: Date,
): boolean {
  const left = new Set(between);
  let front = [own];
  for (let below = 0; front.length > 0 && below <= longestPath; below++) {
    const vouches = (issuer: Certificate) =>
      isFit(issuer, at) && mayIssue(issuer, below) && front.some((each) => hasIssued(issuer, each));
    if (authorities.some(vouches)) return true;
    front = [...left].filter(vouches);
    for (const each of front) left.delete(each);
  }
  return false;
}

function hasIssued({ x509 }: Certificate, { x509: certificate }: Certificate): boolean {
  return certificate.checkIssued(x509) && certificate.verify(x509.publicKey);
}

function mayIssue(issuer: Certificate, below: number): boolean {
  if (!issuer.x509.ca || usages(issuer)?.includes(oid.codeSigning) === false) return false;
  const constraints = issuer.extensions.get(oid.basicConstraints);
  // SEQUENCE { cA BOOLEAN, pathLenConstraint INTEGER OPTIONAL }
  const [sequence] = elements(constraints?.value ?? Buffer.alloc(0));
  const length = elements(sequence?.content ?? Buffer.alloc(0)).find(({ tag }) => tag === 0x02);
  if (length === undefined) return true;
  return length.content.length === 1 && below <= (length.content[0] ?? 0);
}

function isFit({ x509, extensions }: Certificate, at: Date): boolean {
  // Whom an authority may vouch for is not read here, so one that is so confined vouches for nobody, critical or not (RFC 5280, 4.2.1.10).
  if (extensions.has(oid.nameConstraints)) return false;
  for (const [id, { critical }] of extensions) if (critical && !known.has(id)) return false;
  return isValid(x509, at);
}

function isValid({ validFrom, validTo }: X509Certificate, at: Date): boolean {
  return Date.parse(validFrom) <= at.getTime() && at.getTime() <= Date.parse(validTo);
}

/** Undefined: it states none, and is for anything. */
function usages({ extensions }: Certificate): string[] | undefined {
  const extension = extensions.get(oid.extendedKeyUsage);
  if (extension === undefined) return undefined;
  const [sequence] = elements(extension.value);
  return elements(sequence?.content ?? Buffer.alloc(0)).map(({ content }) => identifier(content));
}

function statedIssuer({ extensions }: Certificate): string | undefined {
  const plain = extensions.get(issuerPlain)?.value.toString();
  const [string] = elements(extensions.get(issuerString)?.value ?? Buffer.alloc(0));
  const newer = string?.content.toString();
  if (plain !== undefined && newer !== undefined && plain !== newer) return undefined;
  return newer ?? plain;
}

/** rfc822Name, [1], of the GeneralNames. */
function emailsOf({ extensions }: Certificate): string[] {
  const [names] = elements(extensions.get(oid.subjectAltName)?.value ?? Buffer.alloc(0));
  return elements(names?.content ?? Buffer.alloc(0))
    .filter(({ tag }) => tag === 0x81)
    .map(({ content }) => content.toString('latin1'));
}
