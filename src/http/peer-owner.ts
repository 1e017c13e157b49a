import type { Socket } from 'node:net';
import { native } from '../native/index.js';

/** Who holds the other end of a connection on this host, as the kernel says. */
export function peerOwner(socket: Socket): number | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  if (localAddress === undefined || localPort === undefined) return undefined;
  return native().socketOwner(bare(remoteAddress), remotePort, bare(localAddress), localPort) ?? undefined;
}

/** The same of a connection over a local socket. */
export function localPeer(socket: Socket): number | undefined {
  // Node has no other word for it. A connection that is over has no handle any more.
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null };
  const fd = handle?.fd ?? -1;
  return fd < 0 ? undefined : native().socketPeer(fd);
}

/** A server that listens on IPv6 sees IPv4 peers as ::ffff:a.b.c.d. */
const bare = (address: string) => address.replace(/^::ffff:/, '');
