import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { PublicKey } from 'openpgp';
import { BerthError } from '../../errors/berth-error.js';
import { writeWhole } from '../../state/atomic-file.js';
import { places, type Roots } from '../../state/roots.js';
import { describeKey, readKeys, type SigningKey } from './openpgp.js';

/**
 * The keys that App Container Images are believed by: `trust/root/` for every name, `trust/prefix/PREFIX/` for names that begin so; each key in a file
 * called after its fingerprint. A slash of a prefix is a comma there, which no name has.
 */
export type Scope = { root: true } | { prefix: string };

export interface TrustedKey extends SigningKey {
  /** Null: for every name. */
  prefix: string | null;
}

const folderOf = (roots: Roots, scope: Scope) =>
  'root' in scope
    ? path.join(places.trust(roots), 'root')
    : path.join(places.trust(roots), 'prefix', scope.prefix.replaceAll('/', ','));

const suffix = '.asc';

/** Trusts the keys of a file from now on. */
export async function trustKeys(
  roots: Roots,
  scope: Scope,
  keys: readonly PublicKey[],
): Promise<TrustedKey[]> {
  const folder = folderOf(roots, scope);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const added = [];
  for (const key of keys) {
    const described = await describeKey(key);
    writeWhole(path.join(folder, `${described.fingerprint}${suffix}`), key.armor());
    added.push({ ...described, prefix: 'root' in scope ? null : scope.prefix });
  }
  return added;
}

/** Every key that is trusted, with what it is trusted for. */
export async function trustedKeys(roots: Roots): Promise<TrustedKey[]> {
  const found: TrustedKey[] = [];
  for (const { scope, file } of allFiles(roots)) {
    const [key] = await readKeys(readFileSync(file), file);
    if (key === undefined) continue;
    found.push({ ...(await describeKey(key)), prefix: 'root' in scope ? null : scope.prefix });
  }
  return found;
}

/** Takes the trust in a key away; false: there was none. `fingerprint` may be only its end, of eight digits and more. */
export function distrustKey(roots: Roots, scope: Scope, fingerprint: string): string {
  const wanted = fingerprint.replace(/^0x|\s/gi, '').toUpperCase();
  const names = filesOf(folderOf(roots, scope)).filter((name) =>
    name.slice(0, -suffix.length).endsWith(wanted),
  );
  const [name] = names;
  if (name === undefined || names.length > 1 || wanted.length < 8) {
    throw new BerthError('TRUST_INVALID', {
      what: `key ${fingerprint}`,
      why: name === undefined || wanted.length < 8 ? 'it is not trusted there' : 'several end so',
      mend: 'See berth trust ls.',
    });
  }
  rmSync(path.join(folderOf(roots, scope), name));
  return name.slice(0, -suffix.length);
}

/** Whether images of that name must be signed: as soon as any key is trusted for it. A prefix ends with a part of the name. */
export function isTrustConfigured(roots: Roots, name: string): boolean {
  return allFiles(roots).some(({ scope }) => covers(scope, name));
}

/** The fingerprints that images of that name may be signed by. */
export function fingerprintsFor(roots: Roots, name: string): string[] {
  return allFiles(roots)
    .filter(({ scope }) => covers(scope, name))
    .map(({ file }) => path.basename(file, suffix));
}

/** The keys that images of that name may be signed by. */
export async function keysFor(roots: Roots, name: string): Promise<PublicKey[]> {
  const files = allFiles(roots).filter(({ scope }) => covers(scope, name));
  const keys = await Promise.all(files.map(({ file }) => readKeys(readFileSync(file), file)));
  return keys.flat();
}

export function covers(scope: Scope, name: string): boolean {
  return 'root' in scope || name === scope.prefix || name.startsWith(`${scope.prefix}/`);
}

function allFiles(roots: Roots): { scope: Scope; file: string }[] {
  const root: Scope = { root: true };
  const prefixes = filesOf(path.join(places.trust(roots), 'prefix'), '').map(
    (name): Scope => ({ prefix: name.replaceAll(',', '/') }),
  );
  return [root, ...prefixes].flatMap((scope) => {
    const folder = folderOf(roots, scope);
    return filesOf(folder).map((name) => ({ scope, file: path.join(folder, name) }));
  });
}

function filesOf(folder: string, ending = suffix): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(ending) && !name.startsWith('.'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
