import type { Exchange } from '../../http/exchange.js';
import { acceptedTypes, responseCodec } from '../../http/negotiation.js';
import type { Codec } from '../../mesos/codec.js';
import type { AgentProcessIO } from '../../mesos/messages.js';
import type { Session } from './session.js';

/** Bytes that may wait for a client: more than one piece of output ever is. */
const streamLimit = 8 * 1024 * 1024;
/** Seconds between signs of life. */
const heartbeat = 30;

/** Answers with a session's output, record by record, to its end. `gone`: called when the client is. Throws HttpError 406. */
export function answerWithOutput(exchange: Exchange, session: Session, gone: () => void): void {
  const { codec, headers } = negotiated(exchange);
  const records = exchange.stream(headers, streamLimit);
  const write = (io: AgentProcessIO) => records.write(codec.encode('mesos.v1.agent.ProcessIO', io));
  const stop = session.streams.listen({
    hear: (type, data) => write({ type: 'DATA', data: { type, data } }),
    ready: () => records.drained(),
    end: () => records.end(),
  });
  const beat = setInterval(() => sayAlive(write), heartbeat * 1000);
  records.onClose(() => {
    clearInterval(beat);
    stop();
    gone();
  });
}

function sayAlive(write: (io: AgentProcessIO) => boolean): void {
  const interval = { nanoseconds: heartbeat * 1e9 };
  write({ type: 'CONTROL', control: { type: 'HEARTBEAT', heartbeat: { interval } } });
}

/** Some clients send two Accept headers, of which one is the codec of what is refused: RecordIO goes before it. */
function negotiated(exchange: Exchange): { codec: Codec; headers: Record<string, string> } {
  const accept = exchange.header('accept');
  if (acceptedTypes(accept).includes('application/recordio')) {
    const codec = responseCodec(exchange.header('message-accept'), 'Message-Accept');
    return {
      codec,
      headers: { 'Content-Type': 'application/recordio', 'Message-Content-Type': codec.contentType },
    };
  }
  const codec = responseCodec(accept);
  return { codec, headers: { 'Content-Type': codec.contentType } };
}
