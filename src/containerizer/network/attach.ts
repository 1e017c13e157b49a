import { mkdirSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { type AddressWish, isNativeError, native, type OwnAddresses } from '../../native/index.js';
import { hostClaims, type Roots } from '../../state/roots.js';
import { addressText, type Cidr, contains, lastOf, parseCidr } from './cidr.js';
import { provideDefaultNetwork } from './create.js';
import type { Attachment, AttachmentWish, NetworkDocument } from './document.js';
import { claimsFile } from './host-lock.js';
import { macOf } from './mac.js';
import { type PortWish, portWishes, publishedAs } from './port-claim.js';
import { portInUse } from './port-holder.js';
import type { PortSpec } from './port-spec.js';
import { raiseNetwork } from './raise.js';
import { defaultNetwork, findNetwork, readNetwork } from './store.js';
import { byPriority } from './way-out.js';

/** Attachments, and the descriptor that holds what is claimed for them. */
export interface Attached {
  attachments: Attachment[];
  fd: number;
}

/** One digit each in the names of their ends on the host. */
export const mostAttachments = 16;

/**
 * Gets a container addresses on networks, and ports that lead to it over the one that its way out leads over. Nothing is on the host for it yet but claims, which go
 * with `fd`.
 */
export async function attach(
  roots: Roots,
  id: string,
  wishes: readonly AttachmentWish[],
  specs: readonly PortSpec[],
): Promise<Attached> {
  const joined: Joined[] = [];
  for (const wish of wishes) joined.push(await join(roots, wish));
  const bearer = byPriority(joined).find(({ network }) => !network.internal) ?? joined[0];
  const ports = bearer === undefined ? [] : portWishes(specs, bearer.network);
  mkdirSync(hostClaims, { recursive: true, mode: 0o700 });
  const request = { file: claimsFile(), addresses: joined.map(addressWish), ports };
  try {
    const claim = native().claimNetwork(request);
    const attachments = joined.map((each, i) => {
      const own = claim.addresses[i] ?? { ipv4: '', ipv6: null };
      return attachmentOf(id, i, each, own, each === bearer ? publishedAs(ports, claim.ports) : []);
    });
    return { fd: claim.fd, attachments };
  } catch (error) {
    throw explain(error, joined, ports);
  }
}

/** One more for a container that runs: `held` is what holds its claims so far. */
export async function attachMore(
  roots: Roots,
  { id, attachments }: { id: string; attachments: readonly Attachment[] },
  wish: AttachmentWish,
  held: number,
): Promise<Attachment> {
  const joined = await join(roots, wish);
  const taken = new Set(attachments.map((each) => each.interface));
  const free = Array.from({ length: mostAttachments }, (_, i) => i).find((i) => !taken.has(interfaceName(i)));
  if (free === undefined) {
    throw new BerthError('USAGE', {
      what: `network ${wish.network}`,
      why: `a container is on at most ${mostAttachments} networks`,
    });
  }
  try {
    return attachmentOf(id, free, joined, native().claimMore(held, addressWish(joined)), []);
  } catch (error) {
    throw explain(error, [joined], []);
  }
}

/** Refuses addresses that a network cannot give; those that are taken are found at the attaching. */
export function checkWish(roots: Roots, wish: AttachmentWish): void {
  const network =
    wish.network === defaultNetwork ? readNetwork(roots, wish.network) : findNetwork(roots, wish.network);
  if (network !== undefined) addressWish({ wish, network });
}

interface Joined {
  wish: AttachmentWish;
  network: NetworkDocument;
  gateway_priority?: number;
}

async function join(roots: Roots, wish: AttachmentWish): Promise<Joined> {
  return { wish, network: await provide(roots, wish.network), ...priorityOf(wish) };
}

function priorityOf({ gatewayPriority }: AttachmentWish): { gateway_priority?: number } {
  return gatewayPriority === undefined ? {} : { gateway_priority: gatewayPriority };
}

async function provide(roots: Roots, name: string): Promise<NetworkDocument> {
  const found = name === defaultNetwork ? await provideDefaultNetwork(roots) : findNetwork(roots, name);
  return raiseNetwork(roots, found);
}

const interfaceName = (place: number) => `eth${place}`;

/** Names of interfaces have 15 characters at most. */
function hostInterfaceName(id: string, place: number): string {
  return `${place === 0 ? 'berth' : `bert${place.toString(mostAttachments)}`}${id.slice(0, 10)}`;
}

function attachmentOf(
  id: string,
  place: number,
  { wish, network }: Joined,
  { ipv4, ipv6 }: OwnAddresses,
  ports: Attachment['ports'],
): Attachment {
  const { subnet, subnet6, internal, gateway, gateway6 } = network;
  return {
    network: network.name,
    bridge: network.bridge,
    interface: interfaceName(place),
    host_interface: hostInterfaceName(id, place),
    mac: wish.mac ?? macOf(ipv4),
    mtu: network.mtu,
    ipv4,
    prefix4: cidr(subnet).prefix,
    ipv6,
    prefix6: subnet6 === null ? null : cidr(subnet6).prefix,
    gateway4: internal ? null : gateway,
    gateway6: internal ? null : gateway6,
    ...priorityOf(wish),
    aliases: wish.aliases,
    ports,
  };
}

function addressWish({ network, wish }: Joined): AddressWish {
  const { gateway, subnet6, gateway6 } = network;
  const wanted6 = wish.ip6 === undefined ? undefined : member(network, wish.ip6, subnet6, gateway6);
  return {
    ...rangeFor(network, wish.ip),
    gateway,
    network6: wanted6 ?? subnet6?.split('/')[0] ?? null,
    prefix6: wanted6 !== undefined ? 128 : subnet6 === null ? 0 : cidr(subnet6).prefix,
  };
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

function explain(error: unknown, joined: readonly Joined[], ports: readonly PortWish[]): unknown {
  if (!isNativeError(error)) return error;
  // Of one address that is claimed alone nothing is said.
  const [kind, place] = (error.step || 'address 0').split(' ');
  if (kind === 'port') {
    const port = ports[Number(place)];
    return port === undefined ? error : portInUse(port, error);
  }
  const refused = joined[Number(place)];
  if (refused === undefined || error.code !== 'EADDRINUSE') return error;
  const { network, wish } = refused;
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
