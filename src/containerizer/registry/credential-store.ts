import { BerthError } from '../../errors/berth-error.js';
import { type AuthDocument, type AuthEntry, authFiles, readAuthFile } from './auth-file.js';
import { askHelper } from './credential-helper.js';
import type { Credentials } from './credentials.js';
import type { Location } from './location.js';

/** What Docker calls its own registry in files and to helpers. */
const hubKey = 'https://index.docker.io/v1/';
const hubNames = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/** Who asks for a repository, from the first file that says so; undefined: nobody in particular. */
export async function findCredentials(
  location: Location,
  places: { authFile?: string | undefined; environment?: NodeJS.ProcessEnv | undefined },
): Promise<Credentials | undefined> {
  const environment = places.environment ?? process.env;
  for (const file of authFiles({ authFile: places.authFile, environment })) {
    const document = readAuthFile(file);
    const found = document && (await findIn(document, location, file, environment));
    if (found !== undefined) return found;
  }
  return undefined;
}

async function findIn(
  document: AuthDocument,
  { registry, repository }: Location,
  file: string,
  environment: NodeJS.ProcessEnv,
): Promise<Credentials | undefined> {
  const helper = helperOf(document, registry);
  if (helper !== undefined) return askHelper(helper, serverOf(registry), environment);
  const { auths = {}, credsStore } = document;
  const entry = entryOf(auths, registry, repository);
  const found = entry && credentialsOf(entry, `${file}, ${registry}`);
  if (found !== undefined || credsStore === undefined || credsStore === '') return found;
  return askHelper(credsStore, serverOf(registry), environment);
}

/** The helper that a file names for that registry alone. */
export function helperOf({ credHelpers = {} }: AuthDocument, registry: string): string | undefined {
  const key = Object.keys(credHelpers).find((each) => sameRegistry(each, registry));
  return key === undefined ? undefined : credHelpers[key];
}

export function serverOf(registry: string): string {
  return hubNames.includes(registry) ? hubKey : registry;
}

/** The entry of the repository, or of what it is part of, the longest first; last that of the registry, however it is spelt. */
function entryOf(
  auths: Record<string, AuthEntry>,
  registry: string,
  repository: string,
): AuthEntry | undefined {
  const parts = repository === '' ? [] : repository.split('/');
  for (let length = parts.length; length > 0; length--) {
    const key = [registry, ...parts.slice(0, length)].join('/');
    if (Object.hasOwn(auths, key)) return auths[key];
  }
  const key = keysOf(Object.keys(auths), registry)[0];
  return key === undefined ? undefined : auths[key];
}

/** The keys that mean a registry, the plain name first. */
export function keysOf(keys: readonly string[], registry: string): string[] {
  return keys
    .filter((key) => sameRegistry(key, registry))
    .sort((a, b) => Number(b === registry) - Number(a === registry));
}

/** Docker once wrote URLs: `https://host/v1/` is `host`. */
function sameRegistry(key: string, registry: string): boolean {
  const url = /^https?:\/\//.test(key);
  const host = url ? key.replace(/^https?:\/\//, '').replace(/\/.*$/, '') : key;
  return host === registry || (hubNames.includes(registry) && hubNames.includes(host));
}

function credentialsOf({ auth, identitytoken }: AuthEntry, what: string): Credentials | undefined {
  if (identitytoken !== undefined && identitytoken !== '') return { kind: 'token', token: identitytoken };
  if (auth === undefined || auth === '') return undefined;
  const pair = Buffer.from(auth, 'base64').toString();
  const colon = pair.indexOf(':');
  if (colon < 1) {
    throw new BerthError('CREDENTIALS_INVALID', {
      what,
      why: 'its auth is not the base64 of USER:PASSWORD',
      mend: `Log in again: berth login ${what.split(', ').at(-1)}.`,
    });
  }
  // Go's writers once padded with NULs.
  const password = pair.slice(colon + 1).replace(/\0+$/, '');
  return { kind: 'password', user: pair.slice(0, colon), password };
}
