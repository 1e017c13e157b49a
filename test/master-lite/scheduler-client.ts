import http from 'node:http';
import { RecordReader } from '../../src/http/record-io.js';
import { type Codec, jsonCodec } from '../../src/mesos/codec.js';
import type {
  FrameworkInfo,
  Offer,
  SchedulerCall,
  SchedulerEvent,
  TaskInfo,
  TaskStatus,
} from '../../src/mesos/messages.js';
import { until } from './staged-master.js';

/** A scheduler in either codec. It acknowledges what it hears, unless told otherwise, and keeps it. */
export class SchedulerClient {
  readonly events: SchedulerEvent[] = [];
  readonly statuses: TaskStatus[] = [];
  readonly offers = new Map<string, Offer>();
  id = '';
  streamId = '';
  ended = false;
  acknowledges = true;
  onEvent: ((event: SchedulerEvent) => void) | undefined;
  private request: http.ClientRequest | undefined;
  private readonly calls = new http.Agent({ keepAlive: true, maxSockets: 8 });

  constructor(
    readonly url: string,
    readonly codec: Codec = jsonCodec,
    /** Of every request. */
    readonly headers: Record<string, string> = {},
  ) {}

  async subscribe(info: Partial<FrameworkInfo> = {}, more: object = {}): Promise<this> {
    const whole: FrameworkInfo = {
      user: 'root',
      name: 'trial',
      ...(this.id !== '' && { id: { value: this.id } }),
      ...info,
    };
    const id = whole.id;
    this.ended = false;
    const before = this.events.length;
    const call: SchedulerCall = {
      type: 'SUBSCRIBE',
      ...(id !== undefined && { framework_id: id }),
      subscribe: { framework_info: whole, ...more },
    };
    await this.open(call);
    await until('an answer to SUBSCRIBE', () => this.events.length > before || this.ended);
    return this;
  }

  /** The status that the call is answered with. */
  async call(call: SchedulerCall, headers: Record<string, string> = {}): Promise<number> {
    const whole: SchedulerCall = { framework_id: { value: this.id }, ...call };
    const { status } = await post(this.url, '/api/v1/scheduler', {
      body: this.codec.encode('mesos.v1.scheduler.Call', whole),
      headers: {
        ...this.headers,
        'Content-Type': this.codec.contentType,
        'Mesos-Stream-Id': this.streamId,
        ...headers,
      },
      agent: this.calls,
    });
    return status;
  }

  launch(offer: Offer, tasks: TaskInfo[], refuse_seconds?: number): Promise<number> {
    this.offers.delete(offer.id.value);
    return this.call({
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id],
        operations: [{ type: 'LAUNCH', launch: { task_infos: tasks } }],
        ...(refuse_seconds !== undefined && { filters: { refuse_seconds } }),
      },
    });
  }

  /** With that resource: what is left of an agent may come in several offers. */
  async offer(resource = 'cpus'): Promise<Offer> {
    const found = () =>
      [...this.offers.values()].find(({ resources }) => resources?.some(({ name }) => name === resource));
    await until(`an offer with ${resource}`, () => found() !== undefined);
    const offer = found();
    if (offer === undefined) throw new Error('no offer');
    return offer;
  }

  states(task: string): string[] {
    return this.statuses.filter(({ task_id }) => task_id.value === task).map(({ state }) => state);
  }

  saw(type: SchedulerEvent['type']): boolean {
    return this.events.some((event) => event.type === type);
  }

  disconnect(): void {
    this.request?.destroy();
  }

  close(): void {
    this.disconnect();
    this.calls.destroy();
  }

  private open(call: SchedulerCall): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = http.request(`${this.url}/api/v1/scheduler`, {
        method: 'POST',
        agent: false,
        headers: {
          ...this.headers,
          'Content-Type': this.codec.contentType,
          Accept: this.codec.contentType,
        },
      });
      this.request = request;
      request.on('response', (response) => {
        // Before any event: whoever answers one needs it.
        this.streamId = String(response.headers['mesos-stream-id'] ?? '');
        const reader = new RecordReader(1 << 26);
        response.on('data', (piece: Buffer) => {
          for (const record of reader.push(piece))
            this.hear(this.codec.decode('mesos.v1.scheduler.Event', record));
        });
        response.on('error', () => {});
        response.on('close', () => {
          if (this.request === request) this.ended = true;
        });
        resolve(response);
      });
      request.on('error', reject);
      request.end(this.codec.encode('mesos.v1.scheduler.Call', call));
    });
  }

  private hear(event: SchedulerEvent): void {
    if (event.type !== 'HEARTBEAT') this.events.push(event);
    if (event.type === 'SUBSCRIBED') this.id = event.subscribed?.framework_id.value ?? '';
    for (const offer of event.offers?.offers ?? []) this.offers.set(offer.id.value, offer);
    if (event.rescind !== undefined) this.offers.delete(event.rescind.offer_id.value);
    const status = event.update?.status;
    if (status !== undefined) {
      this.statuses.push(status);
      if (this.acknowledges) this.acknowledge(status);
    }
    this.onEvent?.(event);
  }

  acknowledge({ uuid, agent_id, task_id }: TaskStatus): void {
    if (uuid === undefined || agent_id === undefined) return;
    this.call({ type: 'ACKNOWLEDGE', acknowledge: { agent_id, task_id, uuid } }).catch(() => {});
  }
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

export function post(
  url: string,
  path: string,
  options: {
    body?: Buffer | string;
    headers?: Record<string, string>;
    agent?: http.Agent;
    method?: string;
    /** Of a local socket, in place of the URL's host. */
    socketPath?: string;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'POST', headers = {}, agent = false, body, socketPath } = options;
    const request = http.request(`${url}${path}`, { method, headers, agent, socketPath }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** A task that fits an offer; the agent decides what becomes of it. */
export function task(id: string, offer: Offer, cpus = 1, more: Partial<TaskInfo> = {}): TaskInfo {
  return {
    name: id,
    task_id: { value: id },
    agent_id: offer.agent_id,
    command: { value: 'true' },
    resources: [
      { name: 'cpus', type: 'SCALAR', scalar: { value: cpus } },
      { name: 'mem', type: 'SCALAR', scalar: { value: 32 } },
    ],
    ...more,
  };
}
