import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import path from 'node:path';
import { cgroupPlaces, layoutOfHost } from '../../containerizer/container/cgroup-places.js';
import { isId } from '../../containerizer/container/names.js';
import { loopback, sameSecret } from '../../http/authentication.js';
import { HttpError } from '../../http/http-error.js';
import { native } from '../../native/index.js';
import type { Roots } from '../../state/roots.js';
import type { Executor } from './executor.js';

/** Who speaks: an executor, by its token or by the container that its connection comes from. Being root proves nothing: a container that is not berth's may be on the host's network too. */
export type Origin = { kind: 'container'; id: string } | { kind: 'executor'; key: string };

/** Throws HttpError 401: nobody who may speak. */
export function originOf(request: IncomingMessage, executors: Iterable<Executor>, roots: Roots): Origin {
  const token = bearerOf(request);
  if (token !== undefined) {
    const known = [...executors].find(({ record }) => sameSecret(record.token, token));
    if (known !== undefined) return { kind: 'executor', key: known.key };
  } else if (loopback(request.socket.remoteAddress)) {
    const peer = containerOfPeer(request.socket, roots);
    if (peer.kind === 'container') return peer;
  }
  throw needsToken();
}

export const needsToken = () =>
  new HttpError(401, 'This needs the token of an executor', { 'WWW-Authenticate': 'Bearer realm="berth"' });

export const bearerOf = ({ headers }: IncomingMessage): string | undefined =>
  /^Bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];

export type Peer =
  | { kind: 'host' }
  /** A program in a container of this root's. */
  | { kind: 'container'; id: string }
  /** The kernel does not tell. */
  | { kind: 'unknown' };

/**
 * Where the other end of a connection on this host was made. A container on the host's network may have the host's ids too, so its user proves nothing: its control group does, and no
 * program in a container can leave that. Where that lies counts, not what it is called: who has groups delegated can call them as he likes.
 */
export function containerOfPeer(socket: Socket, roots: Roots): Peer {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const { unified } = layoutOfHost();
  if (remoteAddress === undefined || remotePort === undefined) return { kind: 'unknown' };
  if (localAddress === undefined || localPort === undefined || unified === null) return { kind: 'unknown' };
  const ends = [bare(remoteAddress), remotePort, bare(localAddress), localPort] as const;
  const group = native().socketCgroup(unified, ...ends);
  if (group === null) return { kind: 'unknown' };
  const home = `${path.dirname(cgroupPlaces(roots, 'any').unified ?? '')}/`;
  if (!group.startsWith(home)) return { kind: 'host' };
  return { kind: 'container', id: innermost(group.slice(home.length).split('/')) };
}

/** One container may lie in the groups of another: it is not that one. */
function innermost([id = '', ...below]: string[]): string {
  return below[0] !== undefined && isId(below[0]) ? innermost(below) : id;
}

/** A server that listens on IPv6 sees IPv4 peers as ::ffff:a.b.c.d. */
const bare = (address: string) => address.replace(/^::ffff:/, '');
