import { closeSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, native } from '../../native/index.js';
import type { ImageConfig } from '../../oci-spec/image.js';
import { type Roots, rootHash } from '../../state/roots.js';
import { attach } from '../network/attach.js';
import type { Attachment, AttachmentWish, PublishedPort } from '../network/document.js';
import { exposedPorts, type PortSpec } from '../network/port-spec.js';
import { byPriority } from '../network/way-out.js';
import type { Container } from './catalogue.js';
import { portsOf } from './container-record.js';
import type { ContainerDocument } from './document.js';
import { refreshNeighbours } from './neighbours.js';
import type { ContainerOptions } from './options.js';

/** What a container has of its networks, from before its launch until `release`, when its supervisor holds it too. */
export interface OwnNetwork {
  attachments: Attachment[];
  /** Holds its addresses and ports; -1: it has none. */
  fd: number;
  release(): void;
}

const noNetwork: OwnNetwork = { attachments: [], fd: -1, release: () => {} };

export async function joinNetwork(
  roots: Roots,
  id: string,
  options: ContainerOptions,
  image: ImageConfig,
  networkOf?: Container,
): Promise<OwnNetwork> {
  if (networkOf !== undefined) return shareNetwork(networkOf);
  const wishes = wishesOf(options);
  if (wishes.length === 0) return noNetwork;
  const ports = [...options.publish, ...(options.publishAll ? allExposed(options, image) : [])];
  const { attachments, fd } = await attach(roots, id, wishes, ports);
  return { attachments, fd, release: () => closeSync(fd) };
}

type NetworkChoice = Pick<
  ContainerOptions,
  'network' | 'ip' | 'ip6' | 'macAddress' | 'gatewayPriority' | 'networkAliases' | 'furtherNetworks'
>;

/** All that it asks of networks by name, the first first. */
export function wishesOf(options: NetworkChoice): AttachmentWish[] {
  const { network, ip, ip6, macAddress: mac, gatewayPriority, furtherNetworks } = options;
  if (typeof network !== 'string' || network === 'none' || network === 'host') return [];
  const first = {
    network,
    ...(ip === undefined ? {} : { ip }),
    ...(ip6 === undefined ? {} : { ip6 }),
    ...(mac === undefined ? {} : { mac }),
    ...(gatewayPriority === undefined ? {} : { gatewayPriority }),
    aliases: options.networkAliases,
  };
  return [first, ...furtherNetworks];
}

/** The same the other way round: no wishes are no network. */
export function choiceOf([first, ...furtherNetworks]: readonly AttachmentWish[]): {
  [Member in keyof NetworkChoice]: NetworkChoice[Member] | undefined;
} {
  return {
    network: first?.network ?? 'none',
    ip: first?.ip,
    ip6: first?.ip6,
    macAddress: first?.mac,
    gatewayPriority: first?.gatewayPriority,
    networkAliases: first?.aliases ?? [],
    furtherNetworks,
  };
}

/** Each once, whether the image or the caller said it, or both. */
function allExposed({ expose }: ContainerOptions, image: ImageConfig): PortSpec[] {
  const all = [...exposedPorts(image.config?.ExposedPorts), ...expose];
  return [...new Map(all.map((port) => [`${port.containerPort}/${port.protocol}`, port])).values()];
}

/** Does its supervisor hold claims, and can hold more? */
export function holdsNetwork({
  attachments,
  holds_network,
}: Pick<ContainerDocument, 'attachments' | 'holds_network'>): boolean {
  return attachments.length > 0 || holds_network === true;
}

/** A copy of what the other's supervisor holds: addresses stay taken until both have ended. */
function shareNetwork({ document, process }: Container): OwnNetwork {
  if (!holdsNetwork(document) || process === undefined) return noNetwork;
  const { pid, start_time } = process.supervisor;
  try {
    const fd = native().copyNetworkClaim(pid, start_time);
    return { attachments: [], fd, release: () => closeSync(fd) };
  } catch (error) {
    if (!isNativeError(error) || (error.code !== 'ESRCH' && error.code !== 'EBADF')) throw error;
    throw new BerthError('CONTAINER_STATE', {
      what: `--network container:${document.name}`,
      why: 'that container has just ended',
      cause: error,
    });
  }
}

/** Whose the elements in the packet filter are. */
export function networkOwner(roots: Roots, id: string): string {
  return `${rootHash(roots)}/${id}`;
}

/** What is left to do once a container runs: its neighbours learn of it, and whoever sends to its ports without a pause is led to it. */
export async function announceOnNetwork(roots: Roots, document: ContainerDocument): Promise<void> {
  forgetFlows(portsOf(document));
  await refreshNeighbours(roots, document);
}

/** Takes back what a supervisor that was killed could not. */
export function withdrawPorts(roots: Roots, document: Pick<ContainerDocument, 'id' | 'attachments'>): void {
  if (portsOf(document).length > 0) native().withdrawPorts(networkOwner(roots, document.id));
}

/** Whoever sends to them without a pause is led to where they lead now. */
export function forgetFlows(ports: readonly PublishedPort[]): void {
  const udp = ports.filter(({ protocol }) => protocol === 'udp');
  if (udp.length > 0) native().forgetUdpFlows(udp.map(({ host_port }) => host_port));
}

/** The ways out of a container, each over that of its networks with one of that family that goes first. */
export function gatewaysOver(attachment: Attachment, all: readonly Attachment[]): string[] {
  return (['gateway4', 'gateway6'] as const).flatMap((member) => {
    const first = byPriority(all).find((each) => each[member] !== null);
    return first === attachment && first[member] !== null ? [first[member]] : [];
  });
}

/** An item of `networks` of launch.json. */
export function networkFacts(attachment: Attachment, all: readonly Attachment[]) {
  const { bridge, host_interface, mtu, mac, ipv4, prefix4, ipv6, prefix6, ports } = attachment;
  return {
    bridge,
    host_interface,
    interface: attachment.interface,
    mtu,
    mac,
    addresses: [
      { address: ipv4, prefix: prefix4 },
      ...(ipv6 === null || prefix6 === null ? [] : [{ address: ipv6, prefix: prefix6 }]),
    ],
    gateways: gatewaysOver(attachment, all),
    ports,
  };
}

/** Settings of a network namespace that programs expect without privileges: low ports, and echo requests (icmp(7)). */
export function networkSettings(
  attachments: readonly Attachment[],
  userns: ContainerOptions['userns'],
): Record<string, string> {
  if (attachments.length === 0) return {};
  const version6 = attachments.filter(({ ipv6 }) => ipv6 !== null);
  return {
    'net.ipv4.ip_unprivileged_port_start': '0',
    'net.ipv4.ping_group_range': userns === 'auto' ? '0 65535' : '0 2147483647',
    // Neighbours are no routers.
    ...Object.fromEntries(
      version6.map((attachment) => [`net.ipv6.conf.${attachment.interface}.accept_ra`, '0']),
    ),
  };
}
