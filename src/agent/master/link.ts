import http from 'node:http';
import https from 'node:https';
import { connectionTrouble } from '../../errors/no-connection.js';
import type { Certificates } from '../../http/certificates.js';
import { frame, RecordReader } from '../../http/record-io.js';
import { InvalidMessage, jsonCodec } from '../../mesos/codec.js';
import type { Order, Report } from '../../mesos/messages.js';
import type { AgentConfig } from '../config.js';
import { OneByOne } from '../one-by-one.js';

const codec = jsonCodec;

export interface LinkOptions {
  config: Pick<AgentConfig, 'masters' | 'masterCredential' | 'reconnect' | 'reconnectMost' | 'recordLimit'>;
  /** What a master knows the agent by, and the agent a master. */
  certificates?: { readonly current: Certificates };
  /** What the agent is and runs, asked at each attempt. */
  subscription(): Iterable<Report>;
  /** An order of the present connection. */
  order(order: Order): void;
  /** One that cannot be read. */
  unreadable(record: Buffer, error: InvalidMessage): void;
  note(text: string): void;
}

/** Bytes on their way to the master beyond which messages to frameworks are dropped. */
const mostWaiting = 16 * 1024 * 1024;
/** Seconds without a sign of a master, until it says how long it wants to be waited for. */
const firstPatience = 15;
/** Seconds after which a subscription has been of use. */
const lasting = 5;
/** Seconds; a master that wants less is not obeyed. */
const leastInterval = 0.1;
const leastPatience = 1;
/** A day: a timer holds no more than 24 (setTimeout). */
const longest = 24 * 3600;

const clamp = (seconds: number, least: number) =>
  Number.isFinite(seconds) ? Math.min(Math.max(seconds, least), longest) : longest;

/**
 * The connection to the master, made again whenever it ends, with pauses that grow. The masters are tried in turn; one that is not the leader says who is.
 * Once an agent has begun to subscribe it obeys nothing that a former connection brings.
 */
export class MasterLink {
  private request: http.ClientRequest | undefined;
  /** Those that have come, and wait. */
  private orders: OneByOne<Buffer> | undefined;
  private next = 0;
  private pause: number;
  private again: NodeJS.Timeout | undefined;
  private beat: NodeJS.Timeout | undefined;
  private silence: NodeJS.Timeout | undefined;
  private patience = firstPatience;
  /** Of the process, in milliseconds: when it was subscribed. */
  private since = 0;
  private closed = false;
  private why = '';
  /** Since `SUBSCRIBED`: reports are heard. */
  subscribed = false;
  /** Ends of executors that the subscription which is on its way may still list. */
  private readonly exits: Report[] = [];
  /** The master that is spoken to. */
  master: string | undefined;

  constructor(private readonly options: LinkOptions) {
    this.pause = options.config.reconnect;
  }

  connect(redirect?: string): void {
    this.drop();
    if (this.closed) return;
    const { masters } = this.options.config;
    const url = new URL(redirect ?? masters[this.next % masters.length] ?? '');
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new Error(`${url.protocol} is no way to a master`);
    this.master = url.origin;
    const authorization = credentialFor(url, this.options.config);
    // What a redirect has is not for who it leads to.
    url.username = '';
    url.password = '';
    const request = (url.protocol === 'https:' ? https : http).request(new URL('/api/v1/agent', url), {
      method: 'POST',
      agent: false,
      ...(url.protocol === 'https:' && this.options.certificates?.current),
      headers: {
        'Content-Type': 'application/recordio',
        'Message-Content-Type': codec.contentType,
        'Message-Accept': codec.contentType,
        ...(authorization !== undefined && { Authorization: authorization }),
      },
    });
    this.request = request;
    request.setNoDelay(true);
    this.heard(request);
    request.once('response', (response) => {
      try {
        this.answered(request, response, redirect !== undefined);
      } catch (error) {
        response.destroy();
        this.lost(`its answer leads nowhere: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
    request.on('error', (error) => this.ended(request, connectionTrouble(error)));
    this.introduce(request, this.options.subscription()[Symbol.iterator]());
  }

  /** No faster than it is read: with many tasks it is long. */
  private introduce(request: http.ClientRequest, reports: Iterator<Report>): void {
    while (request === this.request) {
      const { value, done } = reports.next();
      if (done === true) return;
      if (request.write(frame(codec.encode('berth.v1.Report', value)))) continue;
      request.once('drain', () => this.introduce(request, reports));
      return;
    }
  }

  /** Passed over while no master listens: what matters is kept and said again. */
  report(report: Report): void {
    if (!this.subscribed) {
      if (report.type === 'EXECUTOR_EXITED') this.exits.push(report);
      return;
    }
    // Nobody acknowledges these, and nothing holds those who send them back.
    if (report.type === 'MESSAGE' && (this.request?.writableLength ?? 0) > mostWaiting) return;
    this.request?.write(frame(codec.encode('berth.v1.Report', report)));
  }

  /** Ends the connection in order, and makes no other. */
  async close(): Promise<void> {
    this.closed = true;
    const { request } = this;
    this.quiet();
    this.request = undefined;
    if (request === undefined || request.destroyed) return;
    await new Promise<void>((resolve) => {
      const end = setTimeout(() => request.destroy(), 1000);
      request.once('close', () => {
        clearTimeout(end);
        resolve();
      });
      request.on('error', () => {});
      request.end();
      if (request.socket === null) request.destroy();
    });
  }

  private answered(request: http.ClientRequest, response: http.IncomingMessage, redirected: boolean): void {
    const { statusCode, headers } = response;
    if (statusCode === 307 && headers.location !== undefined && !redirected && request === this.request) {
      this.connect(new URL(headers.location, this.master).href);
      return;
    }
    if (statusCode !== 200) {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text = (text + piece).slice(0, 500);
      });
      response.once('close', () => this.ended(request, `it answered ${statusCode}: ${text.trim()}`));
      response.on('error', () => {});
      return;
    }
    const reader = new RecordReader(this.options.config.recordLimit);
    const breaks = (error: unknown) => {
      orders.drop();
      this.ended(
        request,
        `it breaks the protocol: ${error instanceof Error ? error.message : String(error)}`,
      );
    };
    // A thousand launches in one go would keep everybody else waiting for a second.
    const orders = new OneByOne<Buffer>((record) => {
      try {
        this.read(request, record);
      } catch (error) {
        breaks(error);
      }
    });
    this.orders = orders;
    response.on('data', (piece: Buffer) => {
      if (request !== this.request) return;
      this.heard(request);
      try {
        orders.add(reader.push(piece));
      } catch (error) {
        orders.finish();
        breaks(error);
      }
    });
    response.on('error', (error) => this.ended(request, error.message));
    response.once('close', () => this.ended(request, 'it ended the connection'));
  }

  /** Whatever one order has in it, the others are obeyed. Without a first one that says so there is no subscription. */
  private read(request: http.ClientRequest, record: Buffer): void {
    let order: Order;
    try {
      order = codec.decode('berth.v1.Order', record);
    } catch (error) {
      if (!(error instanceof InvalidMessage) || !this.subscribed) throw error;
      if (request === this.request) this.options.unreadable(record, error);
      return;
    }
    this.take(request, order);
  }

  private take(request: http.ClientRequest, order: Order): void {
    if (request !== this.request) return;
    if (order.type === 'HEARTBEAT') return;
    if (order.type === 'ERROR') {
      this.why = order.error?.message ?? '';
      this.options.note(`master ${this.master}: ${this.why}`);
      return;
    }
    if (order.type === 'SUBSCRIBED' && order.subscribed !== undefined) {
      this.subscribed = true;
      this.since = performance.now();
      this.patience = clamp(order.subscribed.timeout_seconds, leastPatience);
      clearInterval(this.beat);
      const interval = clamp(order.subscribed.heartbeat_interval_seconds, leastInterval);
      this.beat = setInterval(() => this.report({ type: 'HEARTBEAT' }), interval * 1000);
    } else if (!this.subscribed && order.type !== 'SHUTDOWN') return;
    this.options.order(order);
    if (order.type === 'SUBSCRIBED') for (const exit of this.exits.splice(0)) this.report(exit);
  }

  /** A sign of life; without another one in time the connection is given up. */
  private heard(request: http.ClientRequest): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(
      () => this.ended(request, `nothing was heard for ${this.patience} s`),
      this.patience * 1000,
    );
  }

  private ended(request: http.ClientRequest, why: string): void {
    // What a master said before it fell silent counts.
    if (request === this.request) this.orders?.finish();
    if (request === this.request) this.lost(why);
  }

  private lost(why: string): void {
    const { master, subscribed } = this;
    // A master that takes agents and ends at once is not asked all the time.
    if (subscribed && performance.now() - this.since >= lasting * 1000)
      this.pause = this.options.config.reconnect;
    this.drop();
    if (this.closed) return;
    if (subscribed || why !== this.why) this.options.note(`master ${master}: ${why}`);
    this.why = why;
    this.next++;
    // Not all agents at the same moment.
    const pause = this.pause * (0.5 + Math.random() / 2);
    this.pause = Math.min(this.pause * 2, this.options.config.reconnectMost);
    this.again = setTimeout(() => {
      try {
        this.connect();
      } catch (error) {
        this.lost(error instanceof Error ? error.message : String(error));
      }
    }, pause * 1000);
  }

  private quiet(): void {
    clearTimeout(this.again);
    clearInterval(this.beat);
    clearTimeout(this.silence);
    this.subscribed = false;
  }

  private drop(): void {
    this.quiet();
    const { request } = this;
    this.request = undefined;
    this.orders?.drop();
    this.orders = undefined;
    request?.on('error', () => {});
    request?.destroy();
  }
}

/**
 * Nobody else than the masters of the configuration gets it, whatever a redirect says. What the URL of a master has goes before what holds for all.
 */
function credentialFor(
  { origin }: URL,
  { masters, masterCredential: configured }: LinkOptions['config'],
): string | undefined {
  const basic = (name: string, secret: string) =>
    `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`;
  const own = masters.map((each) => new URL(each)).filter((each) => each.origin === origin);
  const named = own.find(({ username }) => username !== '');
  if (named !== undefined)
    return basic(decodeURIComponent(named.username), decodeURIComponent(named.password));
  if (own.length === 0 || configured === undefined) return undefined;
  return 'token' in configured
    ? `Bearer ${configured.token}`
    : basic(configured.principal, configured.secret);
}
