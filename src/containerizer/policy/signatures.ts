import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Digest, hexOf } from '../../oci-spec/digest.js';
import { writeWhole } from '../../state/atomic-file.js';
import type { Roots } from '../../state/roots.js';
import { storePaths } from '../image/store.js';

/** One of sigstore's: what was signed, and the signature of it. */
export interface SigstoreSignature {
  payload: Uint8Array;
  signature: Uint8Array;
  /** In PEM: whom it was given to for this signature, and who stands between that and an authority. */
  certificate?: string;
  chain?: string;
  /** What a log has promised, in JSON. */
  bundle?: string;
}

const besides = ['certificate', 'chain', 'bundle'] as const;

/** Signatures as they came with an image: nothing of them has been believed yet. */
export interface Signatures {
  /** Simple signing: signed messages of OpenPGP. */
  simple: Uint8Array[];
  sigstore: SigstoreSignature[];
}

/** Fetches each kind when it is asked for, once. */
export class SignatureSource {
  #simple: Promise<Uint8Array[]> | undefined;
  #sigstore: Promise<SigstoreSignature[]> | undefined;

  constructor(
    private readonly fetch: {
      simple(): Promise<Uint8Array[]>;
      sigstore(): Promise<SigstoreSignature[]>;
    },
  ) {}

  simple(): Promise<Uint8Array[]> {
    this.#simple ??= this.fetch.simple();
    return this.#simple;
  }

  sigstore(): Promise<SigstoreSignature[]> {
    this.#sigstore ??= this.fetch.sigstore();
    return this.#sigstore;
  }

  /** What has been fetched. */
  async fetched(): Promise<Signatures> {
    return { simple: (await this.#simple) ?? [], sigstore: (await this.#sigstore) ?? [] };
  }
}

/** Where nobody can have put any. */
export const noSignatures = (): SignatureSource =>
  new SignatureSource({ simple: () => Promise.resolve([]), sigstore: () => Promise.resolve([]) });

/** Keeps them beside the image, so that whoever runs it later can judge it by the policy of then. */
export function keepSignatures(roots: Roots, manifest: Digest, { simple, sigstore }: Signatures): void {
  if (simple.length + sigstore.length === 0) return;
  const folder = folderOf(roots, manifest);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [i, content] of simple.entries())
    writeWhole(path.join(folder, `simple-${i}`), Buffer.from(content));
  for (const [i, each] of sigstore.entries()) {
    for (const part of besides)
      if (each[part] !== undefined) writeWhole(path.join(folder, `sigstore-${i}.${part}`), each[part]);
    writeWhole(path.join(folder, `sigstore-${i}`), Buffer.from(each.payload));
    writeWhole(path.join(folder, `sigstore-${i}.sig`), Buffer.from(each.signature));
  }
}

export function keptSignatures(roots: Roots, manifest: Digest): SignatureSource {
  const folder = folderOf(roots, manifest);
  const names = (pattern: RegExp) => filesOf(folder).filter((name) => pattern.test(name));
  const read = (name: string) => readFileSync(path.join(folder, name));
  return new SignatureSource({
    simple: async () => names(/^simple-\d+$/).map(read),
    sigstore: async () =>
      names(/^sigstore-\d+$/)
        .filter((name) => filesOf(folder).includes(`${name}.sig`))
        .map((name) => {
          const parts = besides.flatMap((part) =>
            filesOf(folder).includes(`${name}.${part}`) ? [[part, read(`${name}.${part}`).toString()]] : [],
          );
          return { payload: read(name), signature: read(`${name}.sig`), ...Object.fromEntries(parts) };
        }),
  });
}

function folderOf(roots: Roots, manifest: Digest): string {
  return path.join(storePaths(roots).signatures, hexOf(manifest));
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
