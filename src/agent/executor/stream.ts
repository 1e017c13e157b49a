import type { RecordStream } from '../../http/record-stream.js';
import type { Codec } from '../../mesos/codec.js';
import type { ExecutorEvent } from '../../mesos/messages.js';
import type { ExecutorLink } from './executor.js';

/** Seconds between signs of life: as rarely as the reference, for some executors know no such event. */
const heartbeat = 30 * 60;

/** An executor's subscription: events as records. */
export class ExecutorStream implements ExecutorLink {
  constructor(
    private readonly records: RecordStream,
    private readonly codec: Codec,
  ) {
    const timer = setInterval(() => this.send({ type: 'HEARTBEAT' }), heartbeat * 1000).unref();
    records.onClose(() => clearInterval(timer));
  }

  send(event: ExecutorEvent): void {
    this.records.write(this.codec.encode('mesos.v1.executor.Event', event));
  }

  end(): void {
    this.records.end();
  }
}
