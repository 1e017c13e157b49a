import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import { mediaType, requestCodec, responseCodec } from '../../http/negotiation.js';
import { InvalidRecord, RecordReader } from '../../http/record-io.js';
import type { RecordStream } from '../../http/record-stream.js';
import { type Codec, InvalidMessage } from '../../mesos/codec.js';
import type { Report, ReportSubscribe } from '../../mesos/messages.js';
import { monotonic } from '../clock.js';
import type { Cluster } from '../cluster.js';
import type { Agent } from '../model/agent.js';
import { AgentStream } from './link.js';
import { watch } from './liveness.js';
import { admit, disconnect, refusal } from './register.js';
import { handleReport } from './reports.js';

/**
 * One agent's connection: its request is a stream of reports, the answer a stream of orders. The first report must be SUBSCRIBE; until it has
 * come nothing is answered, so that a bad one gets a status of its own. What does not fit into it follows in parts.
 */
export function agentCall(cluster: Cluster, exchange: Exchange): void {
  exchange.need('register_agents');
  const type = mediaType(exchange.header('content-type'));
  if (type === undefined) throw new HttpError(400, "Expecting 'Content-Type' to be present");
  if (type !== 'application/recordio')
    throw new HttpError(415, "Expecting 'Content-Type' of application/recordio");
  const codec = requestCodec(exchange.header('message-content-type'), 'Message-Content-Type');
  const wanted = exchange.header('message-accept');
  const answerCodec = wanted === undefined ? codec : responseCodec(wanted, 'Message-Accept');
  new Connection(cluster, exchange, codec, answerCodec).begin();
}

class Connection {
  private readonly reader: RecordReader;
  private agent: Agent | undefined;
  private stream: AgentStream | undefined;
  private records: RecordStream | undefined;
  /** What has come of a subscription whose last part has not. */
  private subscription: ReportSubscribe | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly exchange: Exchange,
    private readonly codec: Codec,
    private readonly answerCodec: Codec,
  ) {
    this.reader = new RecordReader(cluster.config.bodyLimit);
  }

  begin(): void {
    const body = this.exchange.bodyStream;
    const patience = () => setTimeout(() => body.destroy(), this.cluster.config.agentTimeout * 1000).unref();
    let silence = patience();
    body.on('data', (piece: Buffer) => {
      clearTimeout(silence);
      this.take(piece);
      if (this.agent === undefined) silence = patience();
    });
    body.once('end', () => this.stream?.end());
    body.once('close', () => {
      clearTimeout(silence);
      this.stream?.destroy();
    });
    body.on('error', () => this.stream?.destroy());
  }

  private take(piece: Buffer): void {
    try {
      for (const record of this.reader.push(piece)) this.report(this.codec.decode('berth.v1.Report', record));
    } catch (error) {
      if (!(error instanceof InvalidRecord || error instanceof InvalidMessage || error instanceof HttpError))
        throw error;
      this.refuse(error instanceof HttpError ? error : new HttpError(400, error.message));
    }
  }

  private report(report: Report): void {
    const { agent, stream } = this;
    if (agent === undefined || stream === undefined) {
      this.subscribe(report);
      return;
    }
    // Another connection has taken its place.
    if (agent.link !== stream) return;
    agent.lastSeen = monotonic();
    if (report.type === 'HEARTBEAT') return;
    // Of tasks that are not taken in yet nothing can be said.
    if (!stream.ready) throw new HttpError(400, "Expecting reports only after 'SUBSCRIBED'");
    handleReport(this.cluster, agent, report);
  }

  private subscribe(report: Report): void {
    const subscription = this.gathered(report);
    const { exchange, cluster } = this;
    const ip = exchange.message.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
    const why = refusal(cluster, subscription, ip);
    this.records ??= exchange.stream(
      { 'Content-Type': 'application/recordio', 'Message-Content-Type': this.answerCodec.contentType },
      cluster.config.streamLimit,
    );
    const { records } = this;
    this.stream ??= new AgentStream(records, this.answerCodec);
    const { stream } = this;
    if (why !== undefined) {
      stream.send(why);
      stream.end();
      return;
    }
    if (this.subscription !== undefined) {
      // It waits for an answer meanwhile.
      stream.beat();
      return;
    }
    const agent = admit(cluster, stream, subscription, ip);
    this.agent = agent;
    watch(cluster, agent, stream, records);
    records.onClose(() => disconnect(cluster, agent, stream));
  }

  /** The subscription as far as it has come: `this.subscription` is set while more is to come. */
  private gathered({ type, subscribe, part }: Report): ReportSubscribe {
    const { subscription } = this;
    if (subscription === undefined) {
      if (type !== 'SUBSCRIBE' || subscribe === undefined)
        throw new HttpError(400, "Expecting the first report to be 'SUBSCRIBE'");
      if (subscribe.more === true) this.subscription = subscribe;
      return subscribe;
    }
    if (type === 'HEARTBEAT') return subscription;
    if (type !== 'PART' || part === undefined)
      throw new HttpError(400, "Expecting 'PART' until the subscription is whole");
    for (const kind of ['tasks', 'executors', 'frameworks'] as const) {
      const all: unknown[] = subscription[kind] ?? [];
      for (const each of part[kind] ?? []) all.push(each);
      Object.assign(subscription, { [kind]: all });
    }
    if (part.more !== true) this.subscription = undefined;
    return subscription;
  }

  private refuse(error: HttpError): void {
    if (this.stream === undefined) {
      this.exchange.refuse(error);
      return;
    }
    this.stream.send({ type: 'ERROR', error: { message: error.message } });
    this.stream.end();
  }
}
