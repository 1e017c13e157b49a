import { readdirSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, native, type PublishedElement } from '../../native/index.js';
import { hostClaims, type Roots, rootHash } from '../../state/roots.js';
import { type Container, listContainers, readContainer } from '../container/catalogue.js';
import {
  elementKey,
  mendAttachments,
  mendPorts,
  portElements,
  strayAttachments,
} from '../container/mend-network.js';
import { outdatedHosts, refreshNeighbours, renewNames } from '../container/neighbours.js';
import { networkOwner } from '../container/network.js';
import { whileItsNetworksChange } from '../container/network-record.js';
import { lowerNetwork } from '../container/remove-network.js';
import type { NetworkDocument } from '../network/document.js';
import { lockHostNetworks } from '../network/host-lock.js';
import { isUp, raiseNetwork } from '../network/raise.js';
import { listNetworks, networkOfAlias, readNetwork } from '../network/store.js';
import type { Leak } from './leak.js';

/** Containers that run on networks of berth's. */
function joined(roots: Roots): Container[] {
  return listContainers(roots, () => {}).filter(
    ({ document, state }) => document.attachments.length > 0 && state === 'running',
  );
}

export function networkLeaks(roots: Roots): Leak[] {
  const running = joined(roots);
  return [
    ...bridgesOfNobody(roots),
    ...brokenNetworks(roots, running),
    ...brokenAttachments(roots, running),
    ...stalePorts(roots, running),
    ...lostPorts(roots, running),
    ...oldNames(roots, running),
  ];
}

/** Bridges of networks that are not on record any more, with nobody on them. */
function bridgesOfNobody(roots: Roots): Leak[] {
  const { interfaces } = native().hostNetworks();
  const used = new Set(interfaces.map(({ master }) => master));
  return interfaces.flatMap(({ name: bridge, alias, index, kind }): Leak[] => {
    const network = networkOfAlias(roots, alias);
    if (
      kind !== 'bridge' ||
      network === undefined ||
      used.has(index) ||
      readNetwork(roots, network) !== undefined
    ) {
      return [];
    }
    const heal = async () => {
      const lock = await lockHostNetworks();
      try {
        if (readNetwork(roots, network) !== undefined) return false;
        lowerNetwork({ bridge, internal: false });
        lowerNetwork({ bridge, internal: true });
        return true;
      } finally {
        lock.release();
      }
    };
    return [{ kind: 'bridge', name: bridge, detail: `network ${network} is gone`, heal }];
  });
}

/** Networks with containers on them whose bridge or packet filter somebody has taken away, e.g. with `nft flush ruleset`. */
function brokenNetworks(roots: Roots, running: Container[]): Leak[] {
  const used = new Set(networksOf(running));
  return listNetworks(roots)
    .filter((network) => used.has(network.name) && !isUp(network))
    .map((network) => ({
      kind: 'network',
      name: network.name,
      detail: 'its bridge or its part of the packet filter is missing; it is made anew',
      heal: () => raised(roots, network),
    }));
}

function networksOf(running: Container[]): string[] {
  return [...new Set(running.flatMap(({ document }) => document.attachments.map(({ network }) => network)))];
}

async function raised(roots: Roots, network: NetworkDocument): Promise<boolean> {
  return isUp(await raiseNetwork(roots, network));
}

/** Published ports of this installation's containers that do not run. */
function stalePorts(roots: Roots, running: Container[]): Leak[] {
  const own = `${rootHash(roots)}/`;
  const alive = new Set(running.map(({ document }) => networkOwner(roots, document.id)));
  const stale = native()
    .publishedPorts()
    .filter(({ owner }) => owner.startsWith(own) && !alive.has(owner));
  return [...new Set(stale.map(({ owner }) => owner))].map((owner) => ({
    kind: 'port',
    name: stale
      .filter((each) => each.owner === owner)
      .map(portName)
      .join(', '),
    detail: `container ${owner.slice(own.length)} does not run`,
    heal: () => native().withdrawPorts(owner) > 0,
  }));
}

/** Ports that a container has and the packet filter has lost. */
function lostPorts(roots: Roots, running: Container[]): Leak[] {
  const published = new Set(native().publishedPorts().map(elementKey));
  return running.flatMap(({ document }): Leak[] => {
    const lost = portElements(roots, document).filter((each) => !published.has(elementKey(each)));
    if (lost.length === 0) return [];
    const heal = () => {
      const now = readContainer(roots, document.id);
      if (now?.state === 'running') mendPorts(roots, now.document);
      return true;
    };
    const detail = `container ${document.name} has lost it; it is published anew`;
    return [{ kind: 'port', name: lost.map(portName).join(', '), detail, heal }];
  });
}

const portName = ({ hostIp, hostPort, protocol }: PublishedElement) => `${hostIp}:${hostPort}/${protocol}`;

/** Containers whose interfaces are not what is on record: who put one on a network or took it off was killed, or somebody else has removed one. */
function brokenAttachments(roots: Roots, running: Container[]): Leak[] {
  const { interfaces } = native().hostNetworks();
  return running.flatMap((container): Leak[] => {
    const { missing, stray } = strayAttachments(container.document, interfaces);
    if (missing.length + stray.length === 0) return [];
    const detail =
      missing.length > 0
        ? `it is to be on network ${missing[0]?.network}, and has no interface there`
        : `its interface ${stray[0]} is on a network that it has left`;
    return [
      { kind: 'interface', name: container.document.name, detail, heal: () => mended(roots, container) },
    ];
  });
}

async function mended(roots: Roots, container: Container): Promise<boolean> {
  try {
    await whileItsNetworksChange(roots, container, async (now) => {
      if (now.state !== 'running') return;
      mendPorts(roots, now.document);
      mendAttachments(now);
      await renewNames(roots, now.document, []);
    });
    return true;
  } catch (error) {
    // Somebody is at it, it has ended, or something of its own making is in the way.
    if (error instanceof BerthError || isNativeError(error)) return false;
    throw error;
  }
}

/** Containers that know their neighbours as they were: one that ended by itself told nobody. */
function oldNames(roots: Roots, running: Container[]): Leak[] {
  return outdatedHosts(roots, networksOf(running)).map((name) => ({
    kind: 'hosts',
    name,
    detail: 'its /etc/hosts does not say who is on its networks',
    heal: async () => {
      for (const { document } of running)
        if (document.name === name) await refreshNeighbours(roots, document);
      return true;
    },
  }));
}

/** Removes the empty files of claims that nobody holds any more, of whatever network namespace. They are no leak: the next container makes its own. */
export function tidyClaims(): void {
  let files: string[];
  try {
    files = readdirSync(hostClaims).filter((name) => name.startsWith('addresses-'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const name of files) native().removeIdleClaims(path.join(hostClaims, name));
}
