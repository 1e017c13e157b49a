import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { version } from '../../version.js';
import { connectionFailure } from './connection-failure.js';
import type { TransferLimits } from './limits.js';
import { proxyFor } from './proxies.js';
import { Transient } from './trouble.js';
import type { Trust } from './trust.js';
import { proxyAuthorization, tunnelled } from './tunnel.js';

/** One question to a server, without redirects, credentials or second attempts. */
export interface Question {
  method: string;
  url: URL;
  headers?: Record<string, string> | undefined;
  body?: Body | undefined;
  /** The certificate need not be one that anybody believes. */
  unverified?: boolean | undefined;
}

/** What is sent: the stream is made when it is wanted, since an answer may come without it. */
export type Body = Buffer | { size: number; open: () => Readable };

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: IncomingMessage;
  url: URL;
}

/**
 * HTTP and HTTPS by Node itself: connections are kept and used again, bodies are streams. (The usual client library takes 120 ms to load, which is longer than
 * pulling a small image.)
 */
export class Transport {
  readonly #agents = new Map<string, http.Agent>();
  /** Servers that have answered: what fails there later is worth another attempt. */
  readonly #reached = new Set<string>();

  constructor(
    private readonly trust: Trust,
    readonly environment: NodeJS.ProcessEnv,
    readonly limits: TransferLimits,
    readonly signal: AbortSignal,
  ) {}

  /** Fails with `Transient`, or with an error for a person when another attempt is of no use. */
  async send(question: Question): Promise<Answer> {
    const { url } = question;
    try {
      const message = await this.#exchange(question);
      this.#reached.add(url.origin);
      return { status: message.statusCode ?? 0, headers: message.headers, body: message, url };
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason;
      throw connectionFailure(error, url, this.#reached.has(url.origin));
    }
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #exchange({ method, url, headers, body, unverified }: Question): Promise<IncomingMessage> {
    const proxy = proxyFor(url, this.environment);
    const plainProxy = url.protocol === 'http:' ? proxy : undefined;
    const length = body === undefined ? undefined : Buffer.isBuffer(body) ? body.length : body.size;
    const options: RequestOptions = {
      method,
      agent: this.#agent(url, unverified === true, proxy),
      headers: {
        host: url.host,
        'user-agent': `berth/${version}`,
        ...(length === undefined ? {} : { 'content-length': String(length) }),
        ...headers,
        ...(plainProxy === undefined ? {} : proxyAuthorization(plainProxy)),
      },
      timeout: this.limits.patience,
    };
    return new Promise((resolve, reject) => {
      const request = this.#request(url, plainProxy, options);
      const stop = () => request.destroy(this.signal.reason as Error);
      this.signal.addEventListener('abort', stop, { once: true });
      const late = () => request.destroy(new Transient(`${url.host} takes too long`));
      let end: NodeJS.Timeout | undefined;
      // Not before: what is sent may be large. The other timeout is for silence alone.
      const sent = () => {
        end = setTimeout(late, this.limits.longestAnswer);
      };
      request.on('finish', sent);
      request.on('close', () => {
        clearTimeout(end);
        this.signal.removeEventListener('abort', stop);
      });
      request.on('response', (message) => {
        // An answer may come before all is sent.
        request.off('finish', sent);
        clearTimeout(end);
        // From here on it is the reader who waits: a body that nobody reads for a while is no silence of the server's.
        message.socket.setTimeout(0);
        resolve(message);
      });
      request.on('timeout', () => request.destroy(new Transient(`${url.host} does not answer`)));
      request.on('error', reject);
      if (body === undefined || Buffer.isBuffer(body)) request.end(body);
      // Its failure is the request's, or, when the server answers before it has read all, none.
      else pipeline(body.open(), request).catch((error: Error) => request.destroy(error));
    });
  }

  #request(url: URL, plainProxy: URL | undefined, options: RequestOptions): ClientRequest {
    if (plainProxy === undefined) return (url.protocol === 'https:' ? https : http).request(url, options);
    const { hostname, port } = plainProxy;
    const secure = plainProxy.protocol === 'https:';
    const way = { ...options, hostname, port: port || (secure ? 443 : 80), path: url.href };
    return secure ? https.request({ ...way, agent: false }) : http.request({ ...way, agent: false });
  }

  #agent(url: URL, unverified: boolean, proxy: URL | undefined): http.Agent {
    const key = `${url.origin} ${unverified}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const kept = { keepAlive: true, maxSockets: this.limits.parallel * 2 };
    const agent =
      url.protocol === 'http:'
        ? new http.Agent(kept)
        : new https.Agent({
            ...kept,
            secureContext: this.trust.contextFor(url.host),
            rejectUnauthorized: !unverified,
          });
    if (proxy !== undefined && url.protocol === 'https:')
      tunnelled(agent as https.Agent, proxy, this.limits.patience);
    this.#agents.set(key, agent);
    return agent;
  }
}
