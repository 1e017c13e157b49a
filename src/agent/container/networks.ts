import type { ContainerOptions } from '../../containerizer/container/options.js';
import type { PortSpec } from '../../containerizer/network/port-spec.js';
import type { ContainerInfo, NetworkInfoPortMapping, Resource } from '../../mesos/messages.js';
import { hasPort } from './environment.js';
import { unfit } from './workload.js';

/** Berth's own network for those who name none. */
const bridge = 'bridge';

/** The network of a container, by default the host's, and the ports that lead to it: of the host's only those that the task has. */
export function networkOf(
  container: ContainerInfo | undefined,
  resources: readonly Resource[],
): Pick<ContainerOptions, 'network' | 'publish'> {
  const infos = container?.network_infos ?? [];
  const [first, ...more] = infos;
  if (more.length > 0) throw unfit('network_infos', 'a container is on one network');
  const network = nameOf(container, first?.name);
  if (network === 'host' || network === 'none') return { network, publish: [] };
  const mappings = [...(container?.docker?.port_mappings ?? []), ...(first?.port_mappings ?? [])];
  return { network, publish: mappings.map((mapping) => published(mapping, resources)) };
}

function nameOf(container: ContainerInfo | undefined, named: string | undefined): string {
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
