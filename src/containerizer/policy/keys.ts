import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import type { KeySource } from './document.js';

/** What a policy names keys or certificates by, read; `name` is for people. */
export function keyContents(source: KeySource): { name: string; content: Buffer }[] {
  if ('datas' in source) return source.datas.map((content) => ({ name: 'keyData of policy.json', content }));
  return source.files.map((name) => {
    try {
      return { name, content: readFileSync(name) };
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new BerthError('TRUST_INVALID', {
        what: `key ${name} of policy.json`,
        why: `it cannot be read (${code})`,
        cause,
      });
    }
  });
}

export function publicKeys(source: KeySource): { name: string; key: KeyObject }[] {
  return keyContents(source).map(({ name, content }) => ({ name, key: publicKey(content, name) }));
}

function publicKey(content: Buffer, name: string): KeyObject {
  try {
    return createPublicKey(content);
  } catch (cause) {
    throw new BerthError('TRUST_INVALID', { what: `key ${name}`, why: 'it is no public key in PEM', cause });
  }
}

/** Ed25519 hashes by itself. */
export function algorithmOf({ asymmetricKeyType }: KeyObject): string | null {
  return asymmetricKeyType === 'ed25519' ? null : 'sha256';
}
