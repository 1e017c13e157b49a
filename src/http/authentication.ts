import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { isLoopback } from '../settings/door.js';
import { HttpError } from './http-error.js';

/** Who may speak to a daemon. */
export interface Credentials {
  /** For HTTP basic authentication. */
  passwords: { principal: string; secret: string }[];
  /** For `Authorization: Bearer`. */
  tokens: { principal: string; token: string }[];
}

/** Finds the user whose process holds the other end of a connection on this host; undefined: the kernel knows no such socket. */
export type PeerOwner = (socket: Socket) => number | undefined;

/** The connections that came over a local socket, and who may: its folder and mode say that, and the kernel whose each is. */
export interface LocalDoor {
  holds(socket: Socket): boolean;
  peer: PeerOwner;
}

/** Who sent a request; no name: root or the daemon's own user on this host. */
export interface Identity {
  principal: string | undefined;
  /** It is an executor of an agent's, the one in this container: heard for what is below that, and nothing else. */
  executor?: string;
}

/**
 * Decides who sent a request. Without credentials only a peer on this host is heard whose socket belongs, as the kernel says, to root or the
 * daemon's own user, and only with a loopback Host header and without an Origin: a page in a browser has one or the other wrong.
 */
export class Authentication {
  private readonly trusted = new WeakMap<Socket, boolean>();

  constructor(
    private readonly credentials: Credentials,
    private readonly peerOwner: PeerOwner,
    private readonly ownUser: number,
    private readonly local?: LocalDoor,
  ) {}

  /** Throws HttpError 401 or 403. */
  identify(request: IncomingMessage): Identity {
    const { origin, host, authorization } = request.headers;
    if (authorization !== undefined) {
      if (origin !== undefined && !sameHost(origin, host))
        throw new HttpError(403, 'A page of another site may not ask this');
      return { principal: this.principal(authorization) };
    }
    const certified = nameInCertificate(request.socket);
    if (certified !== undefined && (origin === undefined || sameHost(origin, host)))
      return { principal: certified };
    const local = this.local?.holds(request.socket) === true;
    if (origin === undefined && (local || loopbackHost(host)) && this.isTrusted(request.socket, local))
      return { principal: undefined };
    throw unauthorized('This needs credentials');
  }

  private principal(authorization: string): string {
    const [scheme = '', rest = ''] = authorization.split(/\s+(.*)/s);
    if (scheme.toLowerCase() === 'bearer') {
      const known = this.credentials.tokens.find(({ token }) => sameSecret(token, rest.trim()));
      if (known !== undefined) return known.principal;
    } else if (scheme.toLowerCase() === 'basic') {
      const text = Buffer.from(rest.trim(), 'base64').toString('utf8');
      const colon = text.indexOf(':');
      const [name, secret] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
      const known = this.credentials.passwords.find((each) => each.principal === name);
      if (sameSecret(known?.secret ?? '', secret) && known !== undefined) return name;
    }
    throw unauthorized('These credentials are not known');
  }

  /** Asked of the kernel once for each connection: a socket can change hands, but only by its owner's will. */
  private isTrusted(socket: Socket, local: boolean): boolean {
    let trusted = this.trusted.get(socket);
    if (trusted === undefined) {
      const asked = local ? this.local?.peer : loopback(socket.remoteAddress) ? this.peerOwner : undefined;
      const owner = asked?.(socket);
      trusted = owner === 0 || (owner !== undefined && owner === this.ownUser);
      this.trusted.set(socket, trusted);
    }
    return trusted;
  }
}

/** The common name of a certificate that was shown, if it is signed by the CA of this server and valid. */
function nameInCertificate(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  // RFC 5280 has one name; Node gives a list where a certificate has several, and none is the one.
  const { CN: name } = (socket.getPeerCertificate().subject ?? {}) as { CN?: unknown };
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function unauthorized(message: string): HttpError {
  return new HttpError(401, message, { 'WWW-Authenticate': 'Basic realm="berth", Bearer realm="berth"' });
}

/** In the same time whatever they have in common. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

export const loopback = (address: string | undefined) => isLoopback(address ?? '');

function loopbackHost(host: string | undefined): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(host ?? '');
}

function sameHost(origin: string, host: string | undefined): boolean {
  return /^https?:\/\/(.+)$/.exec(origin)?.[1] === host;
}
