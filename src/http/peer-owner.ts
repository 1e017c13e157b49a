import type { Socket } from 'node:net';
import { native } from '../native/index.js';

/**
 * Who holds the other end of a connection on this host, as the kernel says. A program in a container of berth's is nobody, whatever its user: one without an image may be root on the
 * host's network. Its control group tells, which it cannot leave.
 *
 * @param hierarchy Where the control groups of version 2 are mounted; null: nowhere, so that nobody can be told from a program in a container, and everybody needs credentials.
 */
export function peerOwner(socket: Socket, hierarchy: string | null): number | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  if (localAddress === undefined || localPort === undefined) return undefined;
  const ends = [bare(remoteAddress), remotePort, bare(localAddress), localPort] as const;
  if (hierarchy === null) return undefined;
  const group = native().socketCgroup(hierarchy, ...ends);
  if (group === null || /\/berth-[0-9a-f]{8}\//.test(`${group}/`)) return undefined;
  return native().socketOwner(...ends) ?? undefined;
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
