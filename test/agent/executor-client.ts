import http from 'node:http';
import { RecordReader } from '../../src/http/record-io.js';
import { type Codec, protobufCodec } from '../../src/mesos/codec.js';
import type { ExecutorCall, ExecutorEvent, TaskStatus } from '../../src/mesos/messages.js';
import { post } from '../master-lite/scheduler-client.js';

/** An executor of the tests' own, in either codec: it subscribes, hears and says what it is told to. */
export class ExecutorClient {
  readonly events: ExecutorEvent[] = [];
  ended = false;
  private request: http.ClientRequest | undefined;

  constructor(
    private readonly url: string,
    private readonly ids: { framework: string; executor: string },
    private readonly token: string | undefined,
    private readonly codec: Codec = protobufCodec,
  ) {}

  /** The status that it is answered with. */
  subscribe(subscribe: ExecutorCall['subscribe'] = {}): Promise<number> {
    return this.open({ type: 'SUBSCRIBE', subscribe });
  }

  /** The same without a body, as npm's client does. */
  subscribeSilently(): Promise<number> {
    return this.open({ type: 'SUBSCRIBE' });
  }

  private open(call: Partial<ExecutorCall>): Promise<number> {
    this.ended = false;
    return new Promise((resolve, reject) => {
      const { codec } = this;
      const request = http.request(`${this.url}/api/v1/executor`, {
        method: 'POST',
        agent: false,
        headers: { ...this.headers, Accept: codec.contentType },
      });
      this.request = request;
      request.on('error', reject);
      request.on('response', (response) => {
        const reader = new RecordReader(1 << 26);
        response.on('data', (piece: Buffer) => {
          if (response.statusCode !== 200) return;
          for (const record of reader.push(piece))
            this.events.push(codec.decode('mesos.v1.executor.Event', record));
        });
        response.on('error', () => {});
        response.on('close', () => {
          if (this.request === request) this.ended = true;
        });
        resolve(response.statusCode ?? 0);
      });
      request.end(this.encoded(call));
    });
  }

  async call(call: Partial<ExecutorCall>): Promise<number> {
    const answer = await post(this.url, '/api/v1/executor', {
      body: this.encoded(call),
      headers: this.headers,
    });
    return answer.status;
  }

  update(
    status: Pick<TaskStatus, 'task_id' | 'state'> & Partial<TaskStatus>,
    uuid: Uint8Array,
  ): Promise<number> {
    return this.call({
      type: 'UPDATE',
      update: { status: { source: 'SOURCE_EXECUTOR', uuid, ...status } },
    });
  }

  of(type: ExecutorEvent['type']): ExecutorEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  close(): void {
    this.request?.on('error', () => {});
    this.request?.destroy();
  }

  private get headers(): Record<string, string> {
    return {
      'Content-Type': this.codec.contentType,
      ...(this.token !== undefined && { Authorization: `Bearer ${this.token}` }),
    };
  }

  private encoded(call: Partial<ExecutorCall>): Buffer {
    return this.codec.encode('mesos.v1.executor.Call', {
      framework_id: { value: this.ids.framework },
      executor_id: { value: this.ids.executor },
      ...call,
    });
  }
}
