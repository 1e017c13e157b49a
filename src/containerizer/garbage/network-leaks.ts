import { readdirSync } from 'node:fs';
import path from 'node:path';
import { native, type PublishedElement } from '../../native/index.js';
import { hostClaims, type Roots, rootHash } from '../../state/roots.js';
import { type Container, listContainers } from '../container/catalogue.js';
import { outdatedHosts, refreshNeighbours } from '../container/neighbours.js';
import { networkOwner } from '../container/network.js';
import { lowerNetwork } from '../container/remove-network.js';
import type { Attachment, NetworkDocument } from '../network/document.js';
import { lockHostNetworks } from '../network/host-lock.js';
import { isUp, raiseNetwork } from '../network/raise.js';
import { listNetworks, networkOfAlias, readNetwork } from '../network/store.js';
import type { Leak } from './leak.js';

interface Joined extends Container {
  attachment: Attachment;
}

/** Containers that run on networks of berth's. */
function joined(roots: Roots): Joined[] {
  return listContainers(roots, () => {}).flatMap((container) => {
    const { attachment } = container.document;
    return attachment && container.state === 'running' ? [{ ...container, attachment }] : [];
  });
}

export function networkLeaks(roots: Roots): Leak[] {
  const running = joined(roots);
  return [
    ...bridgesOfNobody(roots),
    ...brokenNetworks(roots, running),
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
function brokenNetworks(roots: Roots, running: Joined[]): Leak[] {
  const used = new Set(running.map(({ attachment }) => attachment.network));
  return listNetworks(roots)
    .filter((network) => used.has(network.name) && !isUp(network))
    .map((network) => ({
      kind: 'network',
      name: network.name,
      detail: 'its bridge or its part of the packet filter is missing; it is made anew',
      heal: () => raised(roots, network),
    }));
}

async function raised(roots: Roots, network: NetworkDocument): Promise<boolean> {
  return isUp(await raiseNetwork(roots, network));
}

/** Published ports of this installation's containers that do not run. */
function stalePorts(roots: Roots, running: Joined[]): Leak[] {
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
function lostPorts(roots: Roots, running: Joined[]): Leak[] {
  const published = new Set(native().publishedPorts().map(keyOf));
  return running.flatMap(({ document: { id, name }, attachment }) => {
    const owner = networkOwner(roots, id);
    const lost = elementsOf(attachment, owner).filter((each) => !published.has(keyOf(each)));
    if (lost.length === 0) return [];
    const heal = () => {
      native().publishPorts(lost, owner);
      return true;
    };
    return [
      {
        kind: 'port',
        name: lost.map(portName).join(', '),
        detail: `container ${name} has lost it; it is published anew`,
        heal,
      },
    ];
  });
}

function elementsOf({ ports, ipv4, ipv6 }: Attachment, owner: string): PublishedElement[] {
  return ports.map(({ host_ip, host_port, container_port, protocol }) => ({
    hostIp: host_ip,
    hostPort: host_port,
    protocol,
    containerIp: host_ip.includes(':') ? (ipv6 ?? '') : ipv4,
    containerPort: container_port,
    owner,
  }));
}

const portName = ({ hostIp, hostPort, protocol }: PublishedElement) => `${hostIp}:${hostPort}/${protocol}`;
const keyOf = (element: PublishedElement) =>
  `${element.owner} ${portName(element)} ${element.containerIp} ${element.containerPort}`;

/** Containers that know their neighbours as they were: one that ended by itself told nobody. */
function oldNames(roots: Roots, running: Joined[]): Leak[] {
  const networks = new Map(running.map(({ attachment }) => [attachment.network, attachment]));
  return [...networks.values()].flatMap((attachment) =>
    outdatedHosts(roots, attachment.network).map(
      (name): Leak => ({
        kind: 'hosts',
        name,
        detail: `its /etc/hosts does not say who is on network ${attachment.network}`,
        heal: async () => {
          await refreshNeighbours(roots, { attachment });
          return true;
        },
      }),
    ),
  );
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
