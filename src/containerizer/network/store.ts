import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { writeWhole } from '../../state/atomic-file.js';
import { readDocument } from '../../state/json-file.js';
import { defaultRoots, places, type Roots, rootHash } from '../../state/roots.js';
import type { NetworkDocument } from './document.js';

/** The network that is there without anybody's making it. */
export const defaultNetwork = 'bridge';

/** Kinds of network that are no network of ours. */
export const reservedNames: readonly string[] = ['none', 'host', 'default', 'container'];

const nameForm = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;

export function checkName(name: string): void {
  if (nameForm.test(name) && !reservedNames.includes(name)) return;
  throw new BerthError('USAGE', {
    what: `network ${name}`,
    why: reservedNames.includes(name)
      ? 'this name has a meaning of its own'
      : 'a name has 1 to 63 letters, digits, dots, dashes and underscores, and starts with a letter or digit',
  });
}

const fileOf = (roots: Roots, name: string) => path.join(places.networks(roots), `${name}.json`);

/** Held while the files are rewritten by which containers know each other; no network can be called so. */
export const namesLock = (roots: Roots) => path.join(places.networks(roots), '.names.lock');

export function readNetwork(roots: Roots, name: string): NetworkDocument | undefined {
  const document = nameForm.test(name) ? readDocument<NetworkDocument>(fileOf(roots, name), 1) : undefined;
  // An older berth knew no labels.
  return document === undefined ? undefined : { ...document, labels: document.labels ?? {} };
}

export function findNetwork(roots: Roots, name: string): NetworkDocument {
  const network = readNetwork(roots, name);
  if (network !== undefined) return network;
  throw new BerthError('NETWORK_NOT_FOUND', {
    what: `network ${name}`,
    why: 'no network has that name',
    mend: `See berth network ls; make one with berth network create ${nameForm.test(name) ? name : 'NAME'}.`,
  });
}

/** All networks by name. */
export function listNetworks(roots: Roots): NetworkDocument[] {
  return networkNames(roots).flatMap((name) => readNetwork(roots, name) ?? []);
}

function networkNames(roots: Roots): string[] {
  try {
    return readdirSync(places.networks(roots))
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export function writeNetwork(roots: Roots, network: NetworkDocument): void {
  mkdirSync(places.networks(roots), { recursive: true, mode: 0o700 });
  writeWhole(fileOf(roots, network.name), JSON.stringify(network));
}

export function forgetNetwork(roots: Roots, name: string): void {
  rmSync(fileOf(roots, name), { force: true });
}

/** Names of interfaces have 15 characters at most and are the host's: one for each root and name. */
export function bridgeName(roots: Roots, name: string): string {
  if (name === defaultNetwork && roots.root === defaultRoots.root) return 'berth0';
  const hash = createHash('sha256').update(`${roots.root}\0${name}`).digest('hex');
  return `berth-${hash.slice(0, 8)}`;
}

/** Says on the bridge itself whose it is; `ip link` shows it. */
export function bridgeAlias(roots: Roots, name: string): string {
  return `berth ${rootHash(roots)} ${name}`;
}

/** The network that a bridge of this installation was made for; undefined: it is none of ours. */
export function networkOfAlias(roots: Roots, alias: string): string | undefined {
  const start = bridgeAlias(roots, '');
  return alias.startsWith(start) ? alias.slice(start.length) : undefined;
}
