import type { RecordStream } from '../../http/record-stream.js';
import type { Codec } from '../../mesos/codec.js';
import type { Order } from '../../mesos/messages.js';
import type { AgentLink } from '../model/agent.js';

const first: ReadonlySet<string> = new Set(['SUBSCRIBED', 'SHUTDOWN', 'ERROR']);

/** Orders to one agent, as records in the codec that it speaks. */
export class AgentStream implements AgentLink {
  ready = false;
  private readonly heartbeat: Buffer;

  constructor(
    private readonly records: RecordStream,
    private readonly codec: Codec,
  ) {
    this.heartbeat = codec.encode('berth.v1.Order', { type: 'HEARTBEAT' });
  }

  send(order: Order): void {
    // What an agent must hear it is told when it is taken in: until then nothing is certain of its tasks.
    if (!this.ready && !first.has(order.type ?? 'UNKNOWN')) return;
    this.records.write(this.codec.encode('berth.v1.Order', order));
  }

  beat(): void {
    this.records.write(this.heartbeat);
  }

  end(): void {
    this.records.end();
  }

  destroy(): void {
    this.records.destroy();
  }
}
