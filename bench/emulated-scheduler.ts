import http from 'node:http';
import { RecordReader } from '../src/http/record-io.js';
import { protobufCodec } from '../src/mesos/codec.js';
import type { Offer, SchedulerCall, SchedulerEvent, TaskInfo } from '../src/mesos/messages.js';

/** A framework that fills every agent it is offered with small tasks, and acknowledges all it hears. Protobuf, as busy frameworks do. */
export class EmulatedScheduler {
  readonly running = new Set<string>();
  /** Changes of state heard of, each once. */
  transitions = 0;
  private id = '';
  private streamId = '';
  private counter = 0;
  private stopped = false;
  private request: http.ClientRequest | undefined;
  private readonly calls = new http.Agent({ keepAlive: true, maxSockets: 16 });

  constructor(
    private readonly url: string,
    private readonly role: string,
    private readonly perAgent: number,
    /** What each task is more exactly. */
    private readonly shape: Partial<TaskInfo> = {},
  ) {}

  subscribe(): Promise<void> {
    const call: SchedulerCall = {
      type: 'SUBSCRIBE',
      subscribe: {
        framework_info: {
          user: 'root',
          name: this.role,
          roles: [this.role],
          failover_timeout: 3600,
          capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
        },
      },
    };
    const { contentType } = protobufCodec;
    return new Promise((resolve, reject) => {
      const request = http.request(`${this.url}/api/v1/scheduler`, {
        method: 'POST',
        agent: false,
        headers: { 'Content-Type': contentType, Accept: contentType },
      });
      this.request = request;
      request.on('error', reject);
      request.on('response', (response) => {
        this.streamId = String(response.headers['mesos-stream-id']);
        const reader = new RecordReader(1 << 26);
        response.on('error', () => {});
        response.on('data', (piece: Buffer) => {
          for (const record of reader.push(piece)) {
            const event = protobufCodec.decode('mesos.v1.scheduler.Event', record);
            this.hear(event);
            if (event.type === 'SUBSCRIBED') resolve();
          }
        });
      });
      request.end(protobufCodec.encode('mesos.v1.scheduler.Call', call));
    });
  }

  /** Has the master end its tasks, and forget it. */
  tearDown(): void {
    this.send({ type: 'TEARDOWN' });
  }

  stop(): void {
    this.stopped = true;
    this.request?.destroy();
    this.calls.destroy();
  }

  private hear(event: SchedulerEvent): void {
    if (this.stopped) return;
    if (event.type === 'SUBSCRIBED') this.id = event.subscribed?.framework_id.value ?? '';
    for (const offer of event.offers?.offers ?? []) this.fill(offer);
    const status = event.update?.status;
    if (status === undefined) return;
    const task = status.task_id.value;
    // An update that was said again is no other transition.
    const before = this.running.has(task);
    if (status.state === 'TASK_RUNNING') this.running.add(task);
    else this.running.delete(task);
    if (before !== this.running.has(task)) this.transitions++;
    const { agent_id, task_id, uuid } = status;
    if (uuid !== undefined && agent_id !== undefined)
      this.send({ type: 'ACKNOWLEDGE', acknowledge: { agent_id, task_id, uuid } });
  }

  /** As many tasks as fit, up to the number of one agent. */
  private fill(offer: Offer): void {
    const cpus = offer.resources?.find(({ name }) => name === 'cpus')?.scalar?.value ?? 0;
    const count = Math.min(this.perAgent, Math.floor(cpus / 0.4 + 1e-6));
    const tasks = Array.from({ length: count }, () => this.task(offer));
    this.send({
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id],
        operations: [{ type: 'LAUNCH', launch: { task_infos: tasks } }],
        // What is left is of no use until something more is free there, and then it is offered at once.
        filters: { refuse_seconds: 3600 },
      },
    });
  }

  private task(offer: Offer): TaskInfo {
    return {
      name: 'idle',
      task_id: { value: `${this.role}-${this.counter++}` },
      agent_id: offer.agent_id,
      command: { value: 'sleep 1000' },
      resources: [
        { name: 'cpus', type: 'SCALAR', scalar: { value: 0.4 } },
        { name: 'mem', type: 'SCALAR', scalar: { value: 64 } },
      ],
      ...this.shape,
    };
  }

  private send(call: SchedulerCall): void {
    const body = protobufCodec.encode('mesos.v1.scheduler.Call', {
      framework_id: { value: this.id },
      ...call,
    });
    const request = http.request(`${this.url}/api/v1/scheduler`, {
      method: 'POST',
      agent: this.calls,
      headers: {
        'Content-Type': protobufCodec.contentType,
        'Content-Length': body.length,
        'Mesos-Stream-Id': this.streamId,
      },
    });
    request.on('response', (response) => response.resume());
    // The update comes again; the bench ends by cutting what is under way.
    request.on('error', () => {});
    request.end(body);
  }
}
