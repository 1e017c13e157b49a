import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, ListenOptions, Socket } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { endpointText } from '../settings/endpoint.js';
import type { Authentication, Identity } from './authentication.js';
import { Authorization } from './authorization.js';
import type { Certificates } from './certificates.js';
import { Exchange } from './exchange.js';
import { HttpError } from './http-error.js';
import { listenFailure } from './listen-failure.js';
import type { LiveCertificates } from './live-certificates.js';
import { mostFiles, Strangers } from './strangers.js';

export interface ServerOptions {
  authentication: Pick<Authentication, 'identify'>;
  /** Who may do what; unset: whoever is heard everything. */
  authorization?: Authorization;
  /** With one of its own it speaks HTTPS, with a CA it knows others by theirs. The local socket needs none. */
  certificates?: LiveCertificates;
  /** Bytes of the longest body that is no stream. */
  bodyLimit: number;
  /** Milliseconds in which such a body must have come. */
  bodyTimeout: number;
  /** Connections that may wait to be taken; twice as many may be there of whom nothing is known. */
  backlog: number;
  /** Told of defects: what no request can be blamed for. */
  onDefect(error: unknown): void;
}

const others = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
/** Shorter answers gain nothing by compression. */
const leastCompressed = 1400;
const compress = promisify(gzip);
/** A stream of records is a request without an end; other bodies are timed below. Milliseconds. */
const timing = { requestTimeout: 0, keepAliveTimeout: 75_000 };
/** Of the address of a local socket (unix(7)), without its end. */
const longestSocketPath = 107;

type Handle = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** Whoever has no certificate is asked for credentials: that is decided for each request (`Authentication`). */
function serverOf(certificates: LiveCertificates | undefined, handle: Handle): http.Server {
  const shown = certificates?.current;
  if (shown?.cert === undefined || shown.key === undefined) return http.createServer(timing, handle);
  const asked = shown.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: false };
  const server = https.createServer({ ...timing, ...shown, ...asked }, handle);
  certificates?.follow((now: Certificates) => server.setSecureContext(now));
  return server;
}

/** What agent and master share of serving HTTP: who may ask, how much, and how answers and refusals look. */
export class ApiServer {
  readonly app: FastifyInstance;
  readonly authorization: Authorization;
  private readonly identities = new WeakMap<FastifyRequest, Identity>();
  private local: http.Server | undefined;
  /** Doors by which nobody is known. */
  private readonly strange = new Set<http.Server>();
  /** Who has come by TCP or such a door, and has not said who he is. */
  readonly strangers: Strangers;
  /** Endpoints that see for themselves who asks, and how. */
  private readonly apart = new Map<string, (request: http.IncomingMessage) => void>();

  constructor(private readonly options: ServerOptions) {
    this.authorization = options.authorization ?? new Authorization(undefined);
    this.strangers = new Strangers(Math.min(options.backlog * 2, Math.floor(mostFiles() / 4)));
    this.app = fastify({
      serverFactory: (handle) => serverOf(options.certificates, handle),
      bodyLimit: options.bodyLimit,
      forceCloseConnections: true,
      return503OnClosing: false,
      routerOptions: { ignoreTrailingSlash: true },
    });
    this.app.addHook('onRequest', async (request) => {
      const look = this.apart.get(request.routeOptions.url ?? '');
      if (look !== undefined) look(request.raw);
      else this.identities.set(request, options.authentication.identify(request.raw));
      this.strangers.know(request.raw.socket);
    });
    this.app.addHook('onSend', compressed);
    this.takeBodies();
    this.app.setErrorHandler((error, _, reply) => this.refuse(error, reply));
    this.app.setNotFoundHandler((request, reply) =>
      refusal(reply, new HttpError(404, `There is nothing at ${request.url}`)),
    );
  }

  /** An endpoint of calls: POST alone. What `handle` throws is answered. */
  calls(urls: readonly string[], handle: (exchange: Exchange) => void | Promise<void>): void {
    for (const url of urls) {
      this.app.post(url, async (request, reply) => {
        await handle(new Exchange(request, reply, this.identityOf(request), this.authorization));
        return reply;
      });
      const message = `Expecting one of { 'POST' }, but received another method`;
      for (const method of others)
        this.app.route({
          method,
          url,
          exposeHeadRoute: false,
          // Before a body is looked at.
          onRequest: async () => {
            throw new HttpError(405, message, { Allow: 'POST' });
          },
          handler: async () => {},
        });
    }
  }

  /** The same, for others than those whom this server lets in: `who` says by the head of a request whose it is, or throws, before a body is read. */
  callsOfOthers<Who extends object>(
    urls: readonly string[],
    who: (request: http.IncomingMessage) => Who,
    handle: (exchange: Exchange, who: Who) => void | Promise<void>,
  ): void {
    const known = new WeakMap<http.IncomingMessage, Who>();
    for (const url of urls) this.apart.set(url, (request) => known.set(request, who(request)));
    this.calls(urls, (exchange) => handle(exchange, known.get(exchange.message) ?? who(exchange.message)));
  }

  /** An older endpoint that changes something, beside a page that may have its name. `rest`: what `*` at the end of a URL stands for. What `handle` throws is answered. */
  change(
    method: 'POST' | 'PUT' | 'DELETE',
    urls: readonly string[],
    handle: (exchange: Exchange, rest: string) => void | Promise<void>,
  ): void {
    for (const url of urls)
      this.app.route({
        method,
        url,
        handler: async (request, reply) => {
          const { '*': rest = '' } = request.params as { '*'?: string };
          await handle(new Exchange(request, reply, this.identityOf(request), this.authorization), rest);
          return reply;
        },
      });
  }

  /** An older endpoint that is asked with GET and answers in JSON. */
  page(urls: readonly string[], answer: (query: URLSearchParams) => unknown, action = 'view'): void {
    const json = async (query: URLSearchParams, reply: FastifyReply) => {
      const text = JSON.stringify(await answer(query));
      reply.header('Content-Type', 'application/json').send(Buffer.from(text));
    };
    this.file(urls, json, action);
  }

  /** The same, with an answer of any other kind. `action`: what must be allowed to who asks. */
  file(
    urls: readonly string[],
    answer: (query: URLSearchParams, reply: FastifyReply) => void | Promise<void>,
    action = 'view',
  ): void {
    for (const url of urls)
      this.app.get(url, { exposeHeadRoute: false }, async (request, reply) => {
        this.authorization.need(this.identityOf(request), action);
        await answer(new URLSearchParams(request.url.split('?')[1] ?? ''), reply);
        return reply;
      });
  }

  identityOf(request: FastifyRequest): Identity {
    return this.identities.get(request) ?? { principal: undefined };
  }

  /** Resolves to the port. */
  async listen(host: string, port: number): Promise<number> {
    this.strangers.watch(this.app.server);
    try {
      await this.app.listen({ host, port, backlog: this.options.backlog });
    } catch (error) {
      throw listenFailure(endpointText({ host, port }), port, error as NodeJS.ErrnoException);
    }
    const address = this.app.server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /**
   * Also answers on a local socket at `place`, for its owner alone. A socket that is there is nobody's: the caller sees to that. False: such a name may not be as long as that, and
   * nothing is done.
   */
  async listenLocally(place: string): Promise<boolean> {
    // Until the socket has its mode the folder keeps others out.
    mkdirSync(path.dirname(place), { recursive: true, mode: 0o700 });
    this.local = await this.openSocket(place, 0o600);
    return this.local !== undefined;
  }

  /** Whether a connection came over the local socket. */
  isLocal(socket: Socket): boolean {
    return this.local !== undefined && serverOfSocket(socket) === this.local;
  }

  /** One more local socket, in a folder that is there, by which nobody is known: see `isApart`. False: as above. */
  async openApart(place: string, mode: number): Promise<boolean> {
    const server = await this.openSocket(place, mode);
    if (server !== undefined) this.apartFrom(server);
    return server !== undefined;
  }

  /** The same at a port, in plain HTTP whatever this server has for certificates. Resolves to the port. */
  async openPort(host: string, port: number): Promise<number> {
    const server = await this.open({ host, port });
    this.apartFrom(server);
    return (server.address() as AddressInfo).port;
  }

  /** Whether a connection came in by one of these. */
  isApart(socket: Socket): boolean {
    const server = serverOfSocket(socket);
    return server !== undefined && this.strange.has(server);
  }

  async close(): Promise<void> {
    for (const server of [...this.strange, ...(this.local === undefined ? [] : [this.local])]) {
      server.close();
      server.closeAllConnections();
    }
    this.local = undefined;
    this.strange.clear();
    await this.app.close();
  }

  private apartFrom(server: http.Server): void {
    this.strange.add(server);
    this.strangers.watch(server);
  }

  private async openSocket(place: string, mode: number): Promise<http.Server | undefined> {
    if (Buffer.byteLength(place) > longestSocketPath) return undefined;
    rmSync(place, { force: true });
    const server = await this.open({ path: place });
    chmodSync(place, mode);
    return server;
  }

  private async open(at: ListenOptions): Promise<http.Server> {
    await this.app.ready();
    const { app } = this;
    const server = http.createServer(timing, (request, response) => app.routing(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(at, resolve);
    });
    return server;
  }

  private takeBodies(): void {
    this.app.removeAllContentTypeParsers();
    // The handler reads it, record by record.
    this.app.addContentTypeParser('application/recordio', (_request, _payload, done) =>
      done(null, undefined),
    );
    this.app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    this.app.addHook('preParsing', async (request, _, payload) => {
      if (request.headers['content-type']?.startsWith('application/recordio') === true) return payload;
      const timer = setTimeout(() => request.raw.destroy(), this.options.bodyTimeout);
      request.raw.once('close', () => clearTimeout(timer)).once('end', () => clearTimeout(timer));
      return payload;
    });
  }

  private refuse(error: unknown, reply: FastifyReply): void {
    if (error instanceof HttpError) {
      refusal(reply, error);
      return;
    }
    const status = (error as { statusCode?: unknown }).statusCode;
    const message = error instanceof Error ? error.message : String(error);
    if (typeof status === 'number' && status < 500) {
      refusal(reply, new HttpError(status, message));
      return;
    }
    this.options.onDefect(error);
    refusal(reply, new HttpError(500, 'A defect in berth itself'));
  }
}

/** Node says it of every socket of a server's, and its types do not. */
const serverOfSocket = (socket: Socket) => (socket as { server?: http.Server }).server;

function refusal(reply: FastifyReply, error: HttpError): void {
  reply
    .code(error.status)
    .headers(error.headers)
    .header('Content-Type', 'text/plain; charset=utf-8')
    .send(Buffer.from(error.message));
}

async function compressed(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  const wanted = /(^|[,\s])gzip\s*(;\s*q=(1|0\.\d*[1-9]))?\s*(,|$)/i.test(
    request.headers['accept-encoding'] ?? '',
  );
  if (!wanted || !Buffer.isBuffer(payload) || payload.length < leastCompressed) return payload;
  reply.header('Content-Encoding', 'gzip').header('Vary', 'Accept-Encoding').removeHeader('Content-Length');
  return compress(payload);
}
