import { networkInterfaces } from 'node:os';
import { readContainer } from '../../containerizer/container/catalogue.js';
import type { Roots } from '../../state/roots.js';

export interface Address {
  protocol: 'IPv4' | 'IPv6';
  ip_address: string;
}

/** By which a container is reached: its own on its networks, else the host's. `listening`: where the agent itself answers. */
export function addressesOf(roots: Roots, containerId: string, listening: string): Address[] {
  const document = readContainer(roots, containerId)?.document;
  const own = (document?.attachments ?? []).flatMap(({ ipv4, ipv6 }): Address[] => [
    { protocol: 'IPv4', ip_address: ipv4 },
    ...(ipv6 === null ? [] : [{ protocol: 'IPv6' as const, ip_address: ipv6 }]),
  ]);
  if (own.length > 0) return own;
  return document?.network === 'host' ? [{ protocol: 'IPv4', ip_address: hostAddress(listening) }] : [];
}

/** The one that the agent answers on, if it is one that others reach; else the first that is. */
function hostAddress(listening: string): string {
  if (!/^(127\.|0\.0\.0\.0|::|localhost)/.test(listening)) return listening;
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
