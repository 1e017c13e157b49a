import { closeSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, native } from '../../native/index.js';
import type { ImageConfig } from '../../oci-spec/image.js';
import { type Roots, rootHash } from '../../state/roots.js';
import { attach } from '../network/attach.js';
import type { Attachment } from '../network/document.js';
import { exposedPorts } from '../network/port-spec.js';
import type { Container } from './catalogue.js';
import type { ContainerDocument } from './document.js';
import { refreshNeighbours } from './neighbours.js';
import type { ContainerOptions } from './options.js';

/** What a container has of its network, from before its launch until `release`, when its supervisor holds it too. */
export interface OwnNetwork {
  attachment: Attachment | null;
  /** Holds its addresses and ports; -1: it has none. */
  fd: number;
  release(): void;
}

const noNetwork: OwnNetwork = { attachment: null, fd: -1, release: () => {} };

export async function joinNetwork(
  roots: Roots,
  id: string,
  options: ContainerOptions,
  image: ImageConfig,
  networkOf?: Container,
): Promise<OwnNetwork> {
  if (networkOf !== undefined) return shareNetwork(networkOf);
  if (typeof options.network !== 'string' || options.network === 'none' || options.network === 'host')
    return noNetwork;
  const { attachment, fd } = await attach(roots, id, {
    network: options.network,
    ip: options.ip,
    ip6: options.ip6,
    mac: options.macAddress,
    aliases: options.networkAliases,
    ports: [...options.publish, ...(options.publishAll ? exposedPorts(image.config?.ExposedPorts) : [])],
  });
  return { attachment, fd, release: () => closeSync(fd) };
}

/** A copy of what the other's supervisor holds: addresses stay taken until both have ended. */
function shareNetwork({ document, process }: Container): OwnNetwork {
  const holds = Boolean(document.attachment) || document.holds_network === true;
  if (!holds || process === undefined) return noNetwork;
  const { pid, start_time } = process.supervisor;
  try {
    const fd = native().copyNetworkClaim(pid, start_time);
    return { attachment: null, fd, release: () => closeSync(fd) };
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
  const udp = (document.attachment?.ports ?? []).filter(({ protocol }) => protocol === 'udp');
  if (udp.length > 0) native().forgetUdpFlows(udp.map(({ host_port }) => host_port));
  await refreshNeighbours(roots, document);
}

/** Takes back what a supervisor that was killed could not. */
export function withdrawPorts(
  roots: Roots,
  { id, attachment }: Pick<ContainerDocument, 'id' | 'attachment'>,
): void {
  if (attachment && attachment.ports.length > 0) native().withdrawPorts(networkOwner(roots, id));
}

/** The member `network` of launch.json. */
export function networkFacts(roots: Roots, id: string, attachment: Attachment) {
  const { bridge, host_interface, mtu, mac, ipv4, prefix4, ipv6, prefix6, gateway4, gateway6, ports } =
    attachment;
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
    gateways: [gateway4, gateway6].filter((gateway) => gateway !== null),
    owner: networkOwner(roots, id),
    ports,
  };
}

/** Settings of a network namespace that programs expect without privileges: low ports, and echo requests (icmp(7)). */
export function networkSettings(
  attachment: Attachment | null,
  userns: ContainerOptions['userns'],
): Record<string, string> {
  if (attachment === null) return {};
  return {
    'net.ipv4.ip_unprivileged_port_start': '0',
    'net.ipv4.ping_group_range': userns === 'auto' ? '0 65535' : '0 2147483647',
    // Neighbours are no routers.
    ...(attachment.ipv6 === null ? {} : { [`net.ipv6.conf.${attachment.interface}.accept_ra`]: '0' }),
  };
}
