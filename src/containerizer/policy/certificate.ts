import { X509Certificate } from 'node:crypto';

/** A certificate, and what node:crypto does not tell of it: its extensions (RFC 5280, 4.2). */
export interface Certificate {
  x509: X509Certificate;
  /** By their object identifiers. */
  extensions: Map<string, { critical: boolean; value: Buffer }>;
}

export const oid = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  extendedKeyUsage: '2.5.29.37',
  codeSigning: '1.3.6.1.5.5.7.3.3',
} as const;

const most = 10;

/** The certificates of a PEM text. Throws SyntaxError for what is none. */
export function certificatesIn(pem: string): Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 || blocks.length > most) throw new SyntaxError('it is no certificate in PEM');
  return blocks.map((block) => {
    let x509: X509Certificate;
    try {
      x509 = new X509Certificate(block);
    } catch {
      throw new SyntaxError('it is no certificate');
    }
    return { x509, extensions: extensionsOf(x509.raw) };
  });
}

interface Element {
  tag: number;
  content: Buffer;
}

/** Elements of DER (X.690), one after the other. What is read has been read by OpenSSL before. */
export function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1] ?? 0;
    at += 2;
    if (length > 0x80) {
      const size = length - 0x80;
      if (size > 4 || at + size > bytes.length) throw new SyntaxError('a length in a certificate is wrong');
      length = bytes.readUIntBE(at, size);
      at += size;
    } else if (length === 0x80) throw new SyntaxError('a certificate is not DER');
    if (at + length > bytes.length) throw new SyntaxError('a certificate is cut short');
    found.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

const [octets, objectIdentifier, boolean, extensionsTag] = [0x04, 0x06, 0x01, 0xa3];

/** Certificate → TBSCertificate → [3] → Extensions. */
function extensionsOf(raw: Buffer): Certificate['extensions'] {
  const inner = (bytes: Buffer | undefined) => elements(bytes ?? Buffer.alloc(0));
  const [whole] = elements(raw);
  const [signed] = inner(whole?.content);
  const holder = inner(signed?.content).find(({ tag }) => tag === extensionsTag);
  const found: Certificate['extensions'] = new Map();
  for (const { content } of inner(inner(holder?.content)[0]?.content)) {
    const parts = elements(content);
    const name = parts.find(({ tag }) => tag === objectIdentifier);
    const value = parts.find(({ tag }) => tag === octets);
    if (name === undefined || value === undefined) throw new SyntaxError('an extension is malformed');
    const id = identifier(name.content);
    if (found.has(id)) throw new SyntaxError(`the extension ${id} is there twice`);
    const critical = parts.some(({ tag, content: flag }) => tag === boolean && flag[0] !== 0);
    found.set(id, { critical, value: value.content });
  }
  return found;
}

/** The dotted form of an object identifier (X.690, 8.19). */
export function identifier(content: Buffer): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    number = number * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...rest] = numbers;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...rest].join('.');
}
