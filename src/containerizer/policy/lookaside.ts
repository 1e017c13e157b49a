import { readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BerthError } from '../../errors/berth-error.js';
import { type Digest, hexOf } from '../../oci-spec/digest.js';
import { map, object, ShapeError, text } from '../../oci-spec/shape.js';
import { readDocument } from '../image/documents.js';
import type { RegistryOptions } from '../registry/session.js';
import { Web } from '../registry/web.js';
import { repositoryOf } from './scope.js';

/** containers-registries.d(5): where the signatures of a repository lie. `sigstore` is what `lookaside` was called before. */
const namespace = object({}, { lookaside: text(), sigstore: text() });
const fileShape = object({}, { 'default-docker': namespace, docker: map(namespace) });

/** Where root's tools write signatures when they are not told. */
const usual = 'file:///var/lib/containers/sigstore';
const mostSignatures = 128;
const signatureBytes = 4 << 20;

const folders = () => [
  path.join(userInfo().homedir, '.config/containers/registries.d'),
  '/etc/containers/registries.d',
];

/** The simple signatures of an image, from wherever its repository keeps them. `stated`: a folder instead of the usual ones. */
export async function lookasideSignatures(
  reference: string,
  digests: readonly Digest[],
  options: RegistryOptions & { registriesFolder?: string | undefined },
  what: string,
): Promise<Uint8Array[]> {
  const base = await lookasideOf(repositoryOf(reference), options.registriesFolder);
  const found: Uint8Array[] = [];
  const web = new Web(options);
  try {
    for (const digest of digests) {
      for (let number = 1; number <= mostSignatures; number++) {
        const url = placeOf(base, reference, digest, number);
        const signature =
          url.protocol === 'file:'
            ? readDocument(fileURLToPath(url), what)
            : await web.document(url, signatureBytes, what);
        if (signature === undefined) break;
        found.push(signature);
      }
    }
  } finally {
    web.close();
  }
  return found;
}

/** `BASE/REPOSITORY@sha256=HEX/signature-N`, the repository without its registry. */
function placeOf(base: URL, reference: string, digest: Digest, number: number): URL {
  const repository = repositoryOf(reference);
  const below = repository.slice(repository.indexOf('/') + 1);
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/+$/, '')}/${below}@sha256=${hexOf(digest)}/signature-${number}`;
  return url;
}

/** Of the namespace that fits best. */
async function lookasideOf(repository: string, stated: string | undefined): Promise<URL> {
  const { fallback, namespaces } = await readFolder(stated === undefined ? folders() : [stated]);
  let text: string | undefined;
  for (
    let part = repository;
    text === undefined && part !== '';
    part = part.slice(0, Math.max(0, part.lastIndexOf('/')))
  )
    text = namespaces.get(part);
  const chosen = text ?? fallback ?? usual;
  const url = URL.canParse(chosen) ? new URL(chosen) : undefined;
  if (url !== undefined && ['https:', 'http:', 'file:'].includes(url.protocol)) return url;
  throw new BerthError('TRUST_INVALID', {
    what: `lookaside of ${repository}`,
    why: `${JSON.stringify(chosen)} is neither a web address nor one of a file`,
    mend: 'See containers-registries.d(5).',
  });
}

async function readFolder(
  places: readonly string[],
): Promise<{ fallback: string | undefined; namespaces: Map<string, string> }> {
  const namespaces = new Map<string, string>();
  let fallback: string | undefined;
  for (const folder of places) {
    const names = filesOf(folder);
    if (names === undefined) continue;
    for (const name of names.filter((each) => each.endsWith('.yaml')).sort()) {
      const { 'default-docker': common, docker = {} } = await readYaml(path.join(folder, name));
      fallback ??= common?.lookaside ?? common?.sigstore;
      for (const [scope, { lookaside, sigstore }] of Object.entries(docker)) {
        const place = lookaside ?? sigstore;
        if (place !== undefined) namespaces.set(scope, place);
      }
    }
    break;
  }
  return { fallback, namespaces };
}

async function readYaml(file: string) {
  const { parse } = await import('yaml');
  try {
    return fileShape((parse(readFileSync(file, 'utf8')) as unknown) ?? {}, '');
  } catch (error) {
    const isShape = error instanceof ShapeError || (error as Error).name.startsWith('YAML');
    if (!isShape) throw error;
    throw new BerthError('TRUST_INVALID', { what: file, why: (error as Error).message, cause: error });
  }
}

/** Undefined: there is no such folder. */
function filesOf(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
