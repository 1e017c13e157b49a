import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

/** A request as it came by. */
export interface Seen {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
}

/** What a registry answered, whole. */
export interface Original {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/**
 * What becomes of an answer. It may do to the response whatever it likes, and gives true when it did; else the answer is passed on as it is.
 */
export type Fault = (seen: Seen, original: Original, response: ServerResponse) => boolean | Promise<boolean>;

const none: Fault = () => false;

/** Stands between a client and a registry, and does what networks and servers do at their worst. */
export class FaultProxy {
  readonly seen: Seen[] = [];
  fault: Fault = none;
  /** Answers without asking the registry. */
  instead: (seen: Seen, response: ServerResponse) => boolean = () => false;

  private constructor(readonly host: string) {}

  static async start(t: Test, registry: string): Promise<FaultProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    const own = new FaultProxy(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
      own.#pass(incoming, response, registry).catch((error: Error) => response.destroy(error));
    });
    return own;
  }

  /** Blobs that were asked for, and from which byte on. */
  blobs(): (string | undefined)[] {
    return this.seen
      .filter(({ method, url }) => method === 'GET' && url.includes('/blobs/sha256:'))
      .map(({ headers }) => headers.range);
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse, registry: string): Promise<void> {
    const { method = '', url = '', headers } = incoming;
    const seen = { method, url, headers };
    this.seen.push(seen);
    if (this.instead(seen, response)) return;
    const [host, port] = registry.split(':');
    // With the host that the client names, so that what the registry says of places leads here again.
    const asked = request({
      host,
      port,
      method,
      path: url,
      headers,
      agent: false,
    });
    // A client that is cut off, or that the fault cuts off, is no failure of the proxy's.
    asked.on('error', () => response.destroy());
    incoming.on('error', () => asked.destroy());
    incoming.pipe(asked);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const parts: Buffer[] = [];
    for await (const part of answer) parts.push(part as Buffer);
    const original = { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) };
    if (await this.fault(seen, original, response)) return;
    response.writeHead(original.status, original.headers).end(original.body);
  }
}

/** Does something to the answers with blobs, the first so many. */
export function onBlobs(fault: Fault, times = Number.POSITIVE_INFINITY): Fault {
  let done = 0;
  return (seen, original, response) => {
    // Of a registry that sends a blob, whole or in part; small ones are configurations.
    const blob = seen.url.includes('/blobs/') && seen.method === 'GET' && original.body.length > 10_000;
    if (!blob || done >= times) return false;
    done += 1;
    return fault(seen, original, response);
  };
}

/** The first bytes, and then the connection is cut. */
export const cutAfter =
  (bytes: number): Fault =>
  (_seen, { status, headers, body }, response) => {
    response.writeHead(status, headers);
    response.write(body.subarray(0, bytes), () => response.destroy());
    return true;
  };
