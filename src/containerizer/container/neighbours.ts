import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { FileLock } from '../../state/lock.js';
import { places, type Roots } from '../../state/roots.js';
import { readTheirs, rewriteInPlace } from '../network/in-place.js';
import { type HostEntry, withNeighbours } from '../network/name-service.js';
import { defaultNetwork, lockOf } from '../network/store.js';
import { type Container, listContainers } from './catalogue.js';
import type { ContainerDocument } from './document.js';

/** The containers that run on a network of this installation. Those whose records are damaged are on none. */
export function membersOf(roots: Roots, network: string): Container[] {
  return listContainers(roots, () => {}).filter(
    ({ document, state }) =>
      document.attachment?.network === network && (state === 'running' || state === 'created'),
  );
}

/** On the default network containers do not know each other's names, as Docker has it. */
export function knowsNames(network: string): boolean {
  return network !== defaultNetwork;
}

/** How the others are found by name: container name, id, and further names they were given. */
export function neighboursOn(roots: Roots, network: string, except: string): HostEntry[] {
  return knowsNames(network) ? entriesOf(membersOf(roots, network), except) : [];
}

function entriesOf(members: Container[], except: string): HostEntry[] {
  return members
    .filter(({ document, state }) => document.id !== except && state === 'running')
    .flatMap(({ document: { id, name, attachment } }) => {
      const names = [...new Set([name, id, ...(attachment?.aliases ?? [])])];
      return [attachment?.ipv4, attachment?.ipv6].flatMap((address) => (address ? [{ address, names }] : []));
    });
}

/** Tells every container on a network who else is on it now: whoever starts or ends one does so. Nothing else keeps them current. */
export async function refreshNeighbours(
  roots: Roots,
  { attachment }: Pick<ContainerDocument, 'attachment'>,
): Promise<void> {
  if (!attachment || !knowsNames(attachment.network)) return;
  mkdirSync(places.networks(roots), { recursive: true, mode: 0o700 });
  const lock = await FileLock.take(lockOf(roots, attachment.network));
  try {
    for (const { file, change } of hostsOf(roots, attachment.network)) rewriteInPlace(file, change);
  } finally {
    lock.release();
  }
}

/** The names of containers that know others than those that are on the network now. */
export function outdatedHosts(roots: Roots, network: string): string[] {
  if (!knowsNames(network)) return [];
  return hostsOf(roots, network).flatMap(({ name, file, change }) => {
    const text = readTheirs(file);
    return text !== undefined && change(text) !== text ? [name] : [];
  });
}

/** The files by which its containers know each other, and what is to become of each. */
function hostsOf(roots: Roots, network: string) {
  const members = membersOf(roots, network);
  return members.map(({ document: { id, name } }) => ({
    name,
    file: path.join(places.ownFiles(roots, id), 'hosts'),
    change: (text: string) => withNeighbours(text, entriesOf(members, id)),
  }));
}
