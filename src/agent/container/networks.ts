import { isIP } from 'node:net';
import type { ContainerOptions } from '../../containerizer/container/options.js';
import { mostAttachments } from '../../containerizer/network/attach.js';
import type { AttachmentWish } from '../../containerizer/network/document.js';
import type { PortSpec } from '../../containerizer/network/port-spec.js';
import type { ContainerInfo, NetworkInfo, NetworkInfoPortMapping, Resource } from '../../mesos/messages.js';
import { hasPort } from './environment.js';
import { unfit } from './workload.js';

/** Berth's own network for those who name none. */
const bridge = 'bridge';

/** The networks of a container, by default the host's, and the ports that lead to it: of the host's only those that the task has. */
export function networkOf(
  container: ContainerInfo | undefined,
  resources: readonly Resource[],
): Pick<ContainerOptions, 'network' | 'furtherNetworks' | 'publish' | 'ip' | 'ip6'> {
  const infos = container?.network_infos ?? [];
  const [first, ...more] = infos;
  const network = firstNetwork(container);
  const wishes = [{ ...first, name: network }, ...more].map(wishOf);
  const twice = wishes.find((wish, i) => wishes.findIndex((each) => each.network === wish.network) < i);
  if (twice !== undefined) throw unfit('network_infos', `${twice.network} is named twice`);
  if (wishes.length > mostAttachments)
    throw unfit('network_infos', `a container is on at most ${mostAttachments} networks`);
  const alone = wishes.find((wish) => wish.network === 'host' || wish.network === 'none');
  if (alone !== undefined) {
    if (more.length > 0) throw unfit('network_infos', `${alone.network} is no network beside others`);
    if (alone.ip !== undefined || alone.ip6 !== undefined)
      throw unfit('network_infos', `no address can be had on ${alone.network}`);
    return { network, furtherNetworks: [], publish: [] };
  }
  const mappings = [
    ...(container?.docker?.port_mappings ?? []),
    ...infos.flatMap(({ port_mappings = [] }) => port_mappings),
  ];
  const [own, ...furtherNetworks] = wishes;
  const { ip, ip6 }: Partial<AttachmentWish> = own ?? {};
  return {
    network,
    furtherNetworks,
    publish: mappings.map((mapping) => published(mapping, resources)),
    ...(ip !== undefined && { ip }),
    ...(ip6 !== undefined && { ip6 }),
  };
}

/** An address in it is asked for; one without asks for nothing that a network does not give anyway. */
function wishOf({ name, ip_addresses = [] }: NetworkInfo): AttachmentWish {
  if (!name) throw unfit('network_infos', 'every one of several names its network');
  const wish: AttachmentWish = { network: name, aliases: [] };
  for (const { ip_address: address } of ip_addresses) {
    if (!address) continue;
    const family = isIP(address);
    if (family === 0) throw unfit(`ip_address ${address}`, 'it is no address');
    const member = family === 4 ? 'ip' : 'ip6';
    if (wish[member] !== undefined) throw unfit('ip_addresses', `${name} gives one of each family`);
    wish[member] = address;
  }
  return wish;
}

/** The network of a container, or the first of several: `host`, `none` or a name. */
export function firstNetwork(container: ContainerInfo | undefined): string {
  const named = container?.network_infos?.[0]?.name;
  if (container?.type !== 'DOCKER') return named || 'host';
  switch (container.docker?.network ?? 'HOST') {
    case 'NONE':
      return 'none';
    case 'BRIDGE':
      return bridge;
    case 'USER':
      if (!named) throw unfit('network', "it is USER, and 'network_infos' names none");
      return named;
    default:
      return named || 'host';
  }
}

function published(
  { host_port, container_port, protocol = 'tcp' }: NetworkInfoPortMapping,
  resources: readonly Resource[],
): PortSpec {
  const lower = protocol.toLowerCase();
  if (lower !== 'tcp' && lower !== 'udp')
    throw unfit(`port ${container_port}/${protocol}`, 'it is tcp or udp');
  if (host_port !== 0 && !hasPort(resources, host_port))
    throw unfit(`port ${host_port}`, "it is not among the task's ports");
  return {
    hostIp: null,
    hostFirst: host_port,
    hostLast: host_port,
    containerPort: container_port,
    protocol: lower,
  };
}
