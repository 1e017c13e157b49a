import { BerthError } from '../../errors/berth-error.js';
import { addressText, parseCidr } from './cidr.js';
import type { NetworkDocument, PublishedPort } from './document.js';
import { mostPorts, type PortSpec } from './port-spec.js';

/** A port of the host that is to be claimed, at each of these addresses. */
export interface PortWish {
  addresses: string[];
  protocol: 'tcp' | 'udp';
  first: number;
  last: number;
  containerPort: number;
}

/** What is to be claimed so that these ports lead to a container on that network. */
export function portWishes(specs: readonly PortSpec[], network: NetworkDocument): PortWish[] {
  const [first] = specs;
  if (first !== undefined && network.internal) {
    throw new BerthError('USAGE', {
      what: `port ${first.containerPort}`,
      why: `network ${network.name} is internal: nothing on it can be published`,
      mend: 'Use another network, or leave out -p.',
    });
  }
  if (specs.length > mostPorts) {
    throw new BerthError('USAGE', {
      what: '--publish',
      why: `one container publishes at most ${mostPorts} ports`,
    });
  }
  const wishes = specs.map(({ hostIp, hostFirst, hostLast, containerPort, protocol }) => ({
    addresses:
      hostIp === null
        ? ['0.0.0.0', ...(network.subnet6 === null ? [] : ['::'])]
        : [checkedHost(hostIp, network)],
    protocol,
    first: hostFirst,
    last: hostLast,
    containerPort,
  }));
  refuseTwice(wishes);
  return wishes;
}

/** The kernel would say that somebody has it, and that is the container itself. */
function refuseTwice(wishes: readonly PortWish[]): void {
  for (const [i, wish] of wishes.entries()) {
    const other = wishes.slice(0, i).find((before) => overlap(before, wish));
    if (other === undefined) continue;
    const { first, last, protocol } = wish;
    throw new BerthError('USAGE', {
      what: `port ${first === last ? first : `${first}-${last}`}/${protocol}`,
      why: `it is to lead to port ${other.containerPort} of the container and to port ${wish.containerPort}`,
      mend: 'Publish each port of the host once.',
    });
  }
}

/** Without ranges of more than one port: of those the kernel gives any that is free. */
function overlap(one: PortWish, other: PortWish): boolean {
  return (
    one.first !== 0 &&
    [one.last, other.first, other.last].every((port) => port === one.first) &&
    one.protocol === other.protocol &&
    one.addresses.some((address) => other.addresses.includes(address))
  );
}

function checkedHost(text: string, network: NetworkDocument): string {
  const address = parseCidr(text);
  if (address === undefined || text.includes('/')) {
    throw new BerthError('USAGE', {
      what: `--publish ${text}`,
      why: 'the address of the host is no IP address',
    });
  }
  if (address.version === 6 && network.subnet6 === null) {
    throw new BerthError('USAGE', {
      what: `--publish ${text}`,
      why: `network ${network.name} has no IPv6`,
      mend: 'Use a network made with --ipv6, or an IPv4 address.',
    });
  }
  return addressText(address);
}

/** The same, once it is known which port of the host each has got. */
export function publishedAs(wishes: readonly PortWish[], claimed: readonly number[]): PublishedPort[] {
  return wishes.flatMap(({ addresses, containerPort, protocol }, i) =>
    addresses.map((host_ip) => ({
      host_ip,
      host_port: claimed[i] ?? 0,
      container_port: containerPort,
      protocol,
    })),
  );
}
