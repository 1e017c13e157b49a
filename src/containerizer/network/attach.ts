import { mkdirSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, type NetworkClaim, native } from '../../native/index.js';
import { hostClaims, type Roots } from '../../state/roots.js';
import { addressText, type Cidr, contains, lastOf, parseCidr } from './cidr.js';
import { provideDefaultNetwork } from './create.js';
import type { Attachment, NetworkDocument, PublishedPort } from './document.js';
import { claimsFile } from './host-lock.js';
import { macOf } from './mac.js';
import { portInUse } from './port-holder.js';
import { mostPorts, type PortSpec } from './port-spec.js';
import { raiseNetwork } from './raise.js';
import { defaultNetwork, findNetwork } from './store.js';

/** What a container asks of a network. */
export interface AttachmentWish {
  network: string;
  ip: string | undefined;
  ip6: string | undefined;
  mac: string | undefined;
  aliases: string[];
  ports: PortSpec[];
}

/** An attachment, and the descriptor that holds what is claimed for it. */
export interface Attached {
  attachment: Attachment;
  fd: number;
}

/** Gets a container addresses and ports on a network. Nothing is on the host for it yet but claims, which go with `fd`. */
export async function attach(roots: Roots, id: string, wish: AttachmentWish): Promise<Attached> {
  const found =
    wish.network === defaultNetwork ? await provideDefaultNetwork(roots) : findNetwork(roots, wish.network);
  const network = await raiseNetwork(roots, found);
  const wishes = portWishes(wish.ports, network);
  const claim = claimFor(network, wish, wishes);
  const ports = wishes.flatMap(({ addresses, containerPort, protocol }, i): PublishedPort[] =>
    addresses.map((host_ip) => ({
      host_ip,
      host_port: claim.ports[i] ?? 0,
      container_port: containerPort,
      protocol,
    })),
  );
  return { fd: claim.fd, attachment: attachmentOf(id, network, wish, claim, ports) };
}

function attachmentOf(
  id: string,
  network: NetworkDocument,
  wish: AttachmentWish,
  { ipv4, ipv6 }: NetworkClaim,
  ports: PublishedPort[],
): Attachment {
  const { subnet, subnet6, internal, gateway, gateway6 } = network;
  return {
    network: network.name,
    bridge: network.bridge,
    interface: 'eth0',
    host_interface: `berth${id.slice(0, 10)}`,
    mac: wish.mac ?? macOf(ipv4),
    mtu: network.mtu,
    ipv4,
    prefix4: cidr(subnet).prefix,
    ipv6,
    prefix6: subnet6 === null ? null : cidr(subnet6).prefix,
    gateway4: internal ? null : gateway,
    gateway6: internal ? null : gateway6,
    aliases: wish.aliases,
    ports,
  };
}

interface PortWish {
  addresses: string[];
  protocol: 'tcp' | 'udp';
  first: number;
  last: number;
  containerPort: number;
}

function portWishes(specs: PortSpec[], network: NetworkDocument): PortWish[] {
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
  return specs.map(({ hostIp, hostFirst, hostLast, containerPort, protocol }) => ({
    addresses:
      hostIp === null
        ? ['0.0.0.0', ...(network.subnet6 === null ? [] : ['::'])]
        : [checkedHost(hostIp, network)],
    protocol,
    first: hostFirst,
    last: hostLast,
    containerPort,
  }));
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

function claimFor(network: NetworkDocument, wish: AttachmentWish, ports: PortWish[]): NetworkClaim {
  mkdirSync(hostClaims, { recursive: true, mode: 0o700 });
  const range = rangeFor(network, wish.ip);
  const wanted6 =
    wish.ip6 === undefined ? undefined : member(network, wish.ip6, network.subnet6, network.gateway6);
  try {
    return native().claimNetwork({
      file: claimsFile(),
      ...range,
      gateway: network.gateway,
      network6: wanted6 ?? network.subnet6?.split('/')[0] ?? null,
      prefix6: wanted6 !== undefined ? 128 : network.subnet6 === null ? 0 : cidr(network.subnet6).prefix,
      ports,
    });
  } catch (error) {
    throw explain(error, network, wish, ports);
  }
}

/** From which addresses one is taken. */
function rangeFor(network: NetworkDocument, wanted: string | undefined): { first: string; last: string } {
  if (wanted !== undefined) {
    const address = member(network, wanted, network.subnet, network.gateway);
    return { first: address, last: address };
  }
  const subnet = cidr(network.subnet);
  const range = cidr(network.ip_range ?? network.subnet);
  const least = subnet.value + 1n;
  const most = lastOf(subnet) - 1n;
  const last = lastOf(range);
  return {
    first: addressText({ version: 4, value: range.value < least ? least : range.value }),
    last: addressText({ version: 4, value: last > most ? most : last }),
  };
}

/** An address that was asked for, if it can be a container's. */
function member(
  network: NetworkDocument,
  text: string,
  subnet: string | null,
  gateway: string | null,
): string {
  const address = parseCidr(text);
  const refuse = (why: string) => new BerthError('USAGE', { what: `address ${text}`, why });
  if (address === undefined || text.includes('/')) throw refuse('it is no IP address');
  if (subnet === null) throw refuse(`network ${network.name} has no IPv6`);
  const whole = cidr(subnet);
  if (!contains(whole, address))
    throw refuse(`it is not in ${subnet}, the subnet of network ${network.name}`);
  if (address.value === whole.value || (whole.version === 4 && address.value === lastOf(whole))) {
    throw refuse('it is that of the network itself, or of everybody in it');
  }
  if (addressText(address) === gateway) throw refuse("it is the gateway's");
  return addressText(address);
}

function explain(error: unknown, network: NetworkDocument, wish: AttachmentWish, ports: PortWish[]): unknown {
  if (!isNativeError(error)) return error;
  if (error.step !== 'address') {
    const port = ports[Number(error.step)];
    return port === undefined ? error : portInUse(port, error);
  }
  if (error.code !== 'EADDRINUSE') return error;
  const wanted = wish.ip ?? wish.ip6;
  return new BerthError('ADDRESS_IN_USE', {
    what: wanted === undefined ? `network ${network.name}` : `address ${wanted}`,
    why:
      wanted === undefined
        ? `every address of ${network.ip_range ?? network.subnet} is taken`
        : 'another container has it',
    mend:
      wanted === undefined
        ? 'End containers on it, or make a larger network: berth network create --subnet.'
        : 'Choose another, or leave it out.',
    cause: error,
  });
}

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined)
    throw new BerthError('STATE_DAMAGED', { what: `network ${text}`, why: 'it is no network' });
  return parsed;
}
