import path from 'node:path';
import { FileLock } from '../../state/lock.js';
import { places, type Roots } from '../../state/roots.js';
import { rewriteInPlace } from '../network/in-place.js';
import { type HostEntry, withNeighbours } from '../network/name-service.js';
import { defaultNetwork } from '../network/store.js';
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
  const lock = await FileLock.take(path.join(places.networks(roots), `${attachment.network}.lock`));
  try {
    const members = membersOf(roots, attachment.network);
    for (const { document } of members) {
      const file = path.join(places.ownFiles(roots, document.id), 'hosts');
      rewriteInPlace(file, (text) => withNeighbours(text, entriesOf(members, document.id)));
    }
  } finally {
    lock.release();
  }
}
