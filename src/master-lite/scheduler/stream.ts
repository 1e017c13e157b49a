import type { RecordStream } from '../../http/record-stream.js';
import type { Codec } from '../../mesos/codec.js';
import type { SchedulerEvent } from '../../mesos/messages.js';
import type { SchedulerLink } from '../model/framework.js';

/** A scheduler's subscription: events as records, and a heartbeat where there is nothing else. */
export class SchedulerStream implements SchedulerLink {
  private readonly timer: NodeJS.Timeout;

  constructor(
    readonly streamId: string,
    private readonly records: RecordStream,
    private readonly codec: Codec,
    heartbeat: number,
  ) {
    this.timer = setInterval(() => this.send({ type: 'HEARTBEAT' }), heartbeat * 1000).unref();
    records.onClose(() => clearInterval(this.timer));
  }

  get closed(): boolean {
    return this.records.closed;
  }

  send(event: SchedulerEvent): void {
    this.records.write(this.codec.encode('mesos.v1.scheduler.Event', event));
  }

  /** Says why, and ends. */
  refuse(message: string): void {
    this.send({ type: 'ERROR', error: { message } });
    this.end();
  }

  end(): void {
    this.records.end();
  }
}
