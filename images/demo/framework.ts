import http from 'node:http';
import { RecordReader } from '../../src/http/record-io.js';
import { jsonCodec } from '../../src/mesos/codec.js';
import type { Offer, SchedulerCall, SchedulerEvent, TaskInfo, TaskState } from '../../src/mesos/messages.js';

/** Bytes of the longest event. */
const longestEvent = 1 << 24;

/** The smallest framework that launches one task: it subscribes, takes the first offer, and acknowledges what it hears. */
export class OneTask {
  /** As it was last told. */
  state: TaskState = 'TASK_STAGING';
  message = '';
  private id = '';
  private streamId = '';
  private launched = false;
  private stream: http.ClientRequest | undefined;

  constructor(
    private readonly master: string,
    private readonly task: (offer: Offer) => TaskInfo,
  ) {}

  /** Resolves once the stream of events has begun. */
  subscribe(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.stream = this.request((response) => {
        this.streamId = String(response.headers['mesos-stream-id']);
        const reader = new RecordReader(longestEvent);
        response.on('data', (piece: Buffer) => {
          for (const record of reader.push(piece))
            this.hear(jsonCodec.decode('mesos.v1.scheduler.Event', record));
        });
        response.on('error', () => {});
        if (response.statusCode === 200) resolve();
        else reject(new Error(`the master answered ${response.statusCode}`));
      });
      this.stream.on('error', reject);
      this.stream.end(
        encoded({ type: 'SUBSCRIBE', subscribe: { framework_info: { user: 'root', name: 'demo' } } }),
      );
    });
  }

  /** Ends its task, and is gone for good. */
  async tearDown(): Promise<void> {
    await this.call({ type: 'TEARDOWN' });
    this.stream?.destroy();
  }

  private hear({ type, subscribed, offers, update }: SchedulerEvent): void {
    if (type === 'SUBSCRIBED') this.id = subscribed?.framework_id.value ?? '';
    const [offer] = offers?.offers ?? [];
    if (offer !== undefined && !this.launched) this.launch(offer);
    if (update === undefined) return;
    const { state, message = '', agent_id, task_id, uuid } = update.status;
    this.state = state;
    this.message = message;
    if (uuid !== undefined && agent_id !== undefined)
      void this.call({ type: 'ACKNOWLEDGE', acknowledge: { agent_id, task_id, uuid } });
  }

  private launch(offer: Offer): void {
    this.launched = true;
    const task_infos = [this.task(offer)];
    void this.call({
      type: 'ACCEPT',
      accept: { offer_ids: [offer.id], operations: [{ type: 'LAUNCH', launch: { task_infos } }] },
    });
  }

  private call(call: SchedulerCall): Promise<void> {
    return new Promise((resolve) => {
      const request = this.request((response) => response.resume().once('close', resolve));
      // A master that is gone has nothing more to hear.
      request.on('error', () => resolve());
      request.end(encoded({ framework_id: { value: this.id }, ...call }));
    });
  }

  private request(answered: (response: http.IncomingMessage) => void): http.ClientRequest {
    const headers = {
      'Content-Type': jsonCodec.contentType,
      ...(this.streamId !== '' && { 'Mesos-Stream-Id': this.streamId }),
    };
    return http.request(
      `${this.master}/api/v1/scheduler`,
      { method: 'POST', agent: false, headers },
      answered,
    );
  }
}

const encoded = (call: SchedulerCall) => jsonCodec.encode('mesos.v1.scheduler.Call', call);
