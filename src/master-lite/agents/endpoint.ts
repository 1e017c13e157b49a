import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import { mediaType, requestCodec, responseCodec } from '../../http/negotiation.js';
import { InvalidRecord, RecordReader } from '../../http/record-io.js';
import { type Codec, InvalidMessage } from '../../mesos/codec.js';
import type { Report } from '../../mesos/messages.js';
import { monotonic } from '../clock.js';
import type { Cluster } from '../cluster.js';
import type { Agent } from '../model/agent.js';
import { AgentStream } from './link.js';
import { watch } from './liveness.js';
import { admit, disconnect, refusal } from './register.js';
import { handleReport } from './reports.js';

/**
 * One agent's connection: its request is a stream of reports, the answer a stream of orders. The first report must be SUBSCRIBE; until it has
 * come nothing is answered, so that a bad one gets a status of its own.
 */
export function agentCall(cluster: Cluster, exchange: Exchange): void {
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
    const first = setTimeout(() => body.destroy(), this.cluster.config.agentTimeout * 1000);
    body.on('data', (piece: Buffer) => {
      clearTimeout(first);
      this.take(piece);
    });
    body.once('end', () => this.stream?.end());
    body.once('close', () => {
      clearTimeout(first);
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

  private subscribe({ type, subscribe }: Report): void {
    if (type !== 'SUBSCRIBE' || subscribe === undefined)
      throw new HttpError(400, "Expecting the first report to be 'SUBSCRIBE'");
    const ip = this.exchange.message.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
    const why = refusal(this.cluster, subscribe, ip);
    const records = this.exchange.stream(
      { 'Content-Type': 'application/recordio', 'Message-Content-Type': this.answerCodec.contentType },
      this.cluster.config.streamLimit,
    );
    const stream = new AgentStream(records, this.answerCodec);
    if (why !== undefined) {
      stream.send(why);
      stream.end();
      return;
    }
    const agent = admit(this.cluster, stream, subscribe, ip);
    this.agent = agent;
    this.stream = stream;
    watch(this.cluster, agent, stream, records);
    records.onClose(() => disconnect(this.cluster, agent, stream));
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
