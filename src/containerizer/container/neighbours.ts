import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { FileLock } from '../../state/lock.js';
import { places, type Roots } from '../../state/roots.js';
import type { Attachment } from '../network/document.js';
import { readTheirs, rewriteInPlace } from '../network/in-place.js';
import { type HostEntry, withNeighbours, withOwn } from '../network/name-service.js';
import { defaultNetwork, namesLock } from '../network/store.js';
import { type Container, listContainers } from './catalogue.js';
import type { ContainerDocument } from './document.js';
import { ownEntries } from './own-files.js';

type Attached = Pick<ContainerDocument, 'id' | 'attachments'>;

/** The containers that run on networks of this installation. Those whose records are damaged are on none. */
function networked(roots: Roots): Container[] {
  return listContainers(roots, () => {}).filter(
    ({ document, state }) => document.attachments.length > 0 && (state === 'running' || state === 'created'),
  );
}

/** Those of them that are on one network. */
export function membersOf(roots: Roots, network: string): Container[] {
  return networked(roots).filter(({ document }) => isOn(document, network));
}

function isOn({ attachments }: Pick<ContainerDocument, 'attachments'>, network: string): boolean {
  return attachments.some((each) => each.network === network);
}

/** On the default network containers do not know each other's names, as Docker has it. */
function knowsNames(network: string): boolean {
  return network !== defaultNetwork;
}

/** How the others on a container's networks are found by name: container name, id, and further names they were given there. */
export function neighboursOf(roots: Roots, container: Attached): HostEntry[] {
  return namedNetworks(container).length === 0 ? [] : entriesFor(container, networked(roots));
}

function namedNetworks({ attachments }: Pick<ContainerDocument, 'attachments'>): string[] {
  return attachments.map(({ network }) => network).filter(knowsNames);
}

function entriesFor(container: Attached, all: readonly Container[]): HostEntry[] {
  const others = all.filter(({ document, state }) => document.id !== container.id && state === 'running');
  return namedNetworks(container).flatMap((network) =>
    others.flatMap(({ document: { id, name, attachments } }) =>
      attachments.flatMap((attachment) => {
        if (attachment.network !== network) return [];
        const names = [...new Set([name, id, ...attachment.aliases])];
        return [attachment.ipv4, attachment.ipv6].flatMap((address) =>
          address === null ? [] : [{ address, names }],
        );
      }),
    ),
  );
}

/** Tells every container on these networks who else is on its own now: whoever starts or ends one does so. Nothing else keeps them current. */
export async function refreshNeighbours(
  roots: Roots,
  attached: Pick<ContainerDocument, 'attachments'>,
): Promise<void> {
  const networks = namedNetworks(attached);
  if (networks.length === 0) return;
  mkdirSync(places.networks(roots), { recursive: true, mode: 0o700 });
  const lock = await FileLock.take(namesLock(roots));
  try {
    for (const { file, change } of hostsOf(roots, networks)) rewriteInPlace(file, change);
  } finally {
    lock.release();
  }
}

/**
 * The same of a container that has come to networks or left them; `before` is what it had. In its own file the lines of its host name follow.
 */
export async function renewNames(
  roots: Roots,
  document: Pick<ContainerDocument, 'id' | 'hostname' | 'attachments'>,
  before: readonly Attachment[],
): Promise<void> {
  const { id, hostname, attachments } = document;
  mkdirSync(places.networks(roots), { recursive: true, mode: 0o700 });
  const lock = await FileLock.take(namesLock(roots));
  try {
    const lost = ownEntries(before, hostname);
    const own = ownEntries(attachments, hostname);
    rewriteInPlace(path.join(places.ownFiles(roots, id), 'hosts'), (text) =>
      withNeighbours(withOwn(text, lost, own), neighboursOf(roots, document)),
    );
    const networks = namedNetworks({ attachments: [...attachments, ...before] });
    for (const { file, change } of hostsOf(roots, networks)) rewriteInPlace(file, change);
  } finally {
    lock.release();
  }
}

/** The names of containers on these networks that know others than those that are on their networks now. */
export function outdatedHosts(roots: Roots, networks: readonly string[]): string[] {
  return hostsOf(roots, networks.filter(knowsNames)).flatMap(({ name, file, change }) => {
    const text = readTheirs(file);
    return text !== undefined && change(text) !== text ? [name] : [];
  });
}

/** The files by which their containers know each other, and what is to become of each. */
function hostsOf(roots: Roots, networks: readonly string[]) {
  const all = networks.length === 0 ? [] : networked(roots);
  const members = all.filter(({ document }) => networks.some((network) => isOn(document, network)));
  return members.map(({ document }) => ({
    name: document.name,
    file: path.join(places.ownFiles(roots, document.id), 'hosts'),
    change: (text: string) => withNeighbours(text, entriesFor(document, all)),
  }));
}
