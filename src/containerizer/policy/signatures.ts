import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
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

  /** What has been fetched: only the kinds that somebody asked for. */
  async fetched(): Promise<Partial<Signatures>> {
    const [simple, sigstore] = [await this.#simple, await this.#sigstore];
    return { ...(simple === undefined ? {} : { simple }), ...(sigstore === undefined ? {} : { sigstore }) };
  }
}

/** Where nobody can have put any. */
export const noSignatures = (): SignatureSource =>
  new SignatureSource({ simple: () => Promise.resolve([]), sigstore: () => Promise.resolve([]) });

/**
 * Keeps them beside the image, so that whoever runs it later can judge it by the policy of then. Of a kind that came, those of earlier go: what is not at the registry any more
 * counts no more. Files are called after what is in them: whoever reads meanwhile finds the old ones, the new ones, or both, and each whole.
 */
export function keepSignatures(
  roots: Roots,
  manifest: Digest,
  { simple = [], sigstore = [] }: Partial<Signatures>,
): void {
  if (simple.length + sigstore.length === 0) return;
  const folder = folderOf(roots, manifest);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keep = (name: string, content: string | Uint8Array) => {
    if (!existsSync(path.join(folder, name))) writeWhole(path.join(folder, name), content);
    return name;
  };
  const kept = [
    ...simple.map((content) => keep(`simple-${nameOf(content)}`, content)),
    ...sigstore.flatMap((each) => {
      const parts = besides.map((part) => each[part]);
      const name = `sigstore-${nameOf(each.payload, each.signature, ...parts.map((text) => text ?? ''))}`;
      return [
        ...besides.flatMap((part) => (each[part] === undefined ? [] : [keep(`${name}.${part}`, each[part])])),
        keep(`${name}.sig`, each.signature),
        // By this one it is found.
        keep(name, each.payload),
      ];
    }),
  ];
  const came = [...(simple.length > 0 ? ['simple-'] : []), ...(sigstore.length > 0 ? ['sigstore-'] : [])];
  const old = filesOf(folder).filter(
    (name) => !kept.includes(name) && !name.endsWith('.tmp') && came.some((kind) => name.startsWith(kind)),
  );
  // Those that are found by their names alone first.
  for (const name of old.sort((a, b) => a.length - b.length))
    rmSync(path.join(folder, name), { force: true });
}

function nameOf(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(createHash('sha256').update(part).digest());
  return hash.digest('hex').slice(0, 32);
}

export function keptSignatures(roots: Roots, manifest: Digest): SignatureSource {
  const folder = folderOf(roots, manifest);
  const names = (pattern: RegExp) => filesOf(folder).filter((name) => pattern.test(name));
  // What another pull has just replaced is passed over.
  const read = (name: string) => readIfThere(path.join(folder, name));
  return new SignatureSource({
    simple: async () => names(/^simple-[0-9a-f]+$/).flatMap((name) => read(name) ?? []),
    sigstore: async () =>
      names(/^sigstore-[0-9a-f]+$/).flatMap((name) => {
        const [payload, signature] = [read(name), read(`${name}.sig`)];
        if (payload === undefined || signature === undefined) return [];
        const parts = besides.flatMap((part) => {
          const text = read(`${name}.${part}`)?.toString();
          return text === undefined ? [] : [[part, text]];
        });
        return [{ payload, signature, ...Object.fromEntries(parts) }];
      }),
  });
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
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
