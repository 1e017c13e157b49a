import { networkInterfaces } from 'node:os';
import { readContainer } from '../../containerizer/container/catalogue.js';
import type { NetworkInfo, NetworkInfoProtocol } from '../../mesos/messages.js';
import type { Roots } from '../../state/roots.js';

/** By which a container is reached: on each of its networks, else the host's. `listening`: where the agent itself answers. */
export function networkInfosOf(roots: Roots, containerId: string, listening: string): NetworkInfo[] {
  const document = readContainer(roots, containerId)?.document;
  const own = (document?.attachments ?? []).map(({ network, ipv4, ipv6 }) => ({
    name: network,
    ip_addresses: [address('IPv4', ipv4), ...(ipv6 === null ? [] : [address('IPv6', ipv6)])],
  }));
  if (own.length > 0) return own;
  return [{ ip_addresses: document?.network === 'host' ? [address('IPv4', hostAddress(listening))] : [] }];
}

const address = (protocol: NetworkInfoProtocol, ip_address: string) => ({ protocol, ip_address });

/** The one that the agent answers on, if it is one that others reach; else the first that is. */
function hostAddress(listening: string): string {
  if (!/^(127\.|0\.0\.0\.0|::|localhost)/.test(listening)) return listening;
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
