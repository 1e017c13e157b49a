import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { frame, RecordReader } from '../../src/http/record-io.js';
import { type Codec, jsonCodec } from '../../src/mesos/codec.js';
import type {
  FrameworkInfo,
  Order,
  OrderApply,
  Report,
  ReportSubscribe,
  Resource,
  Task,
  TaskInfo,
  TaskState,
  TaskStatus,
} from '../../src/mesos/messages.js';

export interface EmulatedAgentOptions {
  master: string;
  hostname: string;
  port?: number;
  codec?: Codec;
  cpus?: number;
  mem?: number;
  /** Seconds after which an update that nobody acknowledges is said again; then twice as long each time. */
  retry?: number;
  /** Milliseconds that a task runs before it is finished; undefined: until it is killed. */
  lifetime?: (task: TaskInfo) => number | undefined;
  /** As many go into one report of a subscription; undefined: all. */
  tasksPerReport?: number;
  headers?: Record<string, string>;
  /** One for all, where there are thousands. */
  httpAgent?: http.Agent;
}

interface RunningTask {
  info: TaskInfo;
  framework: FrameworkInfo;
  state: TaskState;
  /** Not acknowledged yet, in order. The first has been sent. */
  updates: TaskStatus[];
  timer?: NodeJS.Timeout | undefined;
  resend?: NodeJS.Timeout | undefined;
}

const scalar = (name: string, value: number): Resource => ({ name, type: 'SCALAR', scalar: { value } });

/** Speaks the agent protocol as an agent does, and runs nothing. What it knows outlives its connections. */
export class EmulatedAgent {
  readonly tasks = new Map<string, RunningTask>();
  readonly orders: Order['type'][] = [];
  id: string | undefined;
  /** What ended the last connection. */
  lastStatus: number | undefined;
  private request: http.ClientRequest | undefined;
  private beat: NodeJS.Timeout | undefined;
  private again: NodeJS.Timeout | undefined;
  private stopped = false;
  private silent = false;
  private readonly codec: Codec;

  /** Whether it says that operations are done. */
  applies = true;

  constructor(readonly options: EmulatedAgentOptions) {
    this.codec = options.codec ?? jsonCodec;
  }

  /** Nothing it has said waits for an acknowledgement. */
  get quiet(): boolean {
    for (const { updates } of this.tasks.values()) if (updates.length > 0) return false;
    return true;
  }

  get connected(): boolean {
    return this.beat !== undefined;
  }

  connect(): this {
    this.drop();
    this.stopped = false;
    const { contentType } = this.codec;
    const request = http.request(`${this.options.master}/api/v1/agent`, {
      method: 'POST',
      ...(this.options.httpAgent !== undefined && { agent: this.options.httpAgent }),
      headers: {
        'Content-Type': 'application/recordio',
        'Message-Content-Type': contentType,
        'Message-Accept': contentType,
        ...this.options.headers,
      },
    });
    this.request = request;
    const reader = new RecordReader(1 << 26);
    request.on('response', (response) => {
      this.lastStatus = response.statusCode;
      response.on('data', (piece: Buffer) => {
        if (request !== this.request || response.statusCode !== 200) return;
        for (const record of reader.push(piece)) this.take(this.codec.decode('berth.v1.Order', record));
      });
      response.on('error', () => {});
      response.on('close', () => this.ended(request));
    });
    request.on('error', () => this.ended(request));
    const { tasks = [], ...rest } = this.subscription();
    const { tasksPerReport = Number.POSITIVE_INFINITY } = this.options;
    let next = tasks.splice(0, tasksPerReport);
    this.report({ type: 'SUBSCRIBE', subscribe: { ...rest, tasks: next, more: tasks.length > 0 } });
    while (tasks.length > 0) {
      next = tasks.splice(0, tasksPerReport);
      this.report({ type: 'PART', part: { tasks: next, more: tasks.length > 0 } });
    }
    return this;
  }

  /** As if the cable were cut: the connection goes, the tasks stay, and it comes back only when told to. */
  cut(): void {
    this.drop();
    this.stopped = true;
  }

  private drop(): void {
    clearTimeout(this.again);
    clearInterval(this.beat);
    this.beat = undefined;
    this.request?.destroy();
    this.request = undefined;
  }

  /** As if it were frozen: the connection stays, and nothing is said or heard. */
  freeze(): void {
    this.silent = true;
  }

  stop(): void {
    this.cut();
    this.forget();
  }

  /** As if its disk were gone. */
  forget(): void {
    for (const task of this.tasks.values()) {
      clearTimeout(task.timer);
      clearTimeout(task.resend);
    }
    this.tasks.clear();
  }

  /** Ends a task as its program would. */
  end(key: string, state: TaskState, extra: Partial<TaskStatus> = {}): void {
    const task = this.tasks.get(key);
    if (task === undefined) return;
    clearTimeout(task.timer);
    this.update(task, state, extra);
  }

  /** As many of its tasks end in this state. */
  endSome(state: TaskState, count: number): void {
    let ended = 0;
    for (const [key, task] of this.tasks) {
      if (ended === count) return;
      if (task.state !== 'TASK_RUNNING') continue;
      this.end(key, state);
      ended++;
    }
  }

  report(report: Report): void {
    if (this.silent || this.request === undefined) return;
    this.request.write(frame(this.codec.encode('berth.v1.Report', report)));
  }

  private ended(request: http.ClientRequest): void {
    if (request !== this.request) return;
    this.request = undefined;
    clearInterval(this.beat);
    this.beat = undefined;
    if (!this.stopped) this.again = setTimeout(() => this.connect(), 50);
  }

  private subscription(): ReportSubscribe {
    const { hostname, port = 5051, cpus = 4, mem = 4096 } = this.options;
    const running = [...this.tasks.values()];
    const frameworks = new Map(running.map(({ framework }) => [framework.id?.value, framework]));
    return {
      agent_info: {
        hostname,
        port,
        ...(this.id !== undefined && { id: { value: this.id } }),
        resources: [
          scalar('cpus', cpus),
          scalar('mem', mem),
          scalar('disk', 10_000),
          { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 31_000, end: 32_000 }] } },
        ],
      },
      version: '0.1.0',
      capabilities: [{ type: 'MULTI_ROLE' }],
      tasks: running.map((task) => this.message(task)),
      frameworks: [...frameworks.values()],
    };
  }

  private message({ info, framework, state, updates }: RunningTask): Task {
    return {
      name: info.name,
      task_id: info.task_id,
      framework_id: framework.id ?? { value: '' },
      agent_id: info.agent_id,
      state,
      resources: info.resources,
      ...(info.labels !== undefined && { labels: info.labels }),
      ...(updates[0] !== undefined && { status_update_state: updates[0].state }),
      statuses: [{ task_id: info.task_id, state }],
    };
  }

  private take(order: Order): void {
    if (this.silent) return;
    this.orders.push(order.type);
    switch (order.type) {
      case 'SUBSCRIBED':
        this.id = order.subscribed?.agent_id.value;
        clearInterval(this.beat);
        this.beat = setInterval(
          () => this.report({ type: 'HEARTBEAT' }),
          (order.subscribed?.heartbeat_interval_seconds ?? 5) * 1000,
        );
        for (const task of this.tasks.values()) this.sendNext(task);
        return;
      case 'RUN':
        if (order.run !== undefined) this.run(order.run.framework_info, order.run.task);
        return;
      case 'RUN_GROUP':
        for (const task of order.run_group?.task_group.tasks ?? [])
          if (order.run_group !== undefined) this.run(order.run_group.framework_info, task);
        return;
      case 'APPLY':
        if (order.apply !== undefined && this.applies) this.apply(order.apply);
        return;
      case 'KILL':
        this.end(`${order.kill?.framework_id.value}/${order.kill?.task_id.value}`, 'TASK_KILLED');
        return;
      case 'SHUTDOWN_FRAMEWORK':
        for (const key of [...this.tasks.keys()])
          if (key.startsWith(`${order.shutdown_framework?.framework_id.value}/`))
            this.end(key, 'TASK_KILLED');
        return;
      case 'DRAIN':
        for (const key of [...this.tasks.keys()])
          this.end(key, 'TASK_KILLED', { reason: 'REASON_AGENT_DRAINING' });
        return;
      case 'ACKNOWLEDGE':
        this.acknowledged(order);
        return;
      case 'SHUTDOWN':
        this.stopped = true;
        this.forget();
    }
  }

  private apply({ operation, uuid, framework_id }: OrderApply): void {
    const operation_id = operation.id;
    const status = { state: 'OPERATION_FINISHED' as const, uuid, ...(operation_id && { operation_id }) };
    this.report({ type: 'OPERATION', operation: { status, ...(framework_id && { framework_id }) } });
  }

  private run(framework: FrameworkInfo, info: TaskInfo): void {
    const task: RunningTask = { info, framework, state: 'TASK_STAGING', updates: [] };
    this.tasks.set(keyOf(task), task);
    this.update(task, 'TASK_RUNNING');
    const lifetime = this.options.lifetime?.(info);
    if (lifetime !== undefined)
      task.timer = setTimeout(() => this.end(keyOf(task), 'TASK_FINISHED'), lifetime);
  }

  private update(task: RunningTask, state: TaskState, extra: Partial<TaskStatus> = {}): void {
    task.state = state;
    task.updates.push({
      task_id: task.info.task_id,
      state,
      source: 'SOURCE_AGENT',
      timestamp: Date.now() / 1000,
      uuid: randomBytes(16),
      ...extra,
    });
    if (task.updates.length === 1) this.sendNext(task);
  }

  private sendNext(task: RunningTask, wait = this.options.retry ?? 10): void {
    clearTimeout(task.resend);
    const [status] = task.updates;
    if (status === undefined) return;
    const framework_id = task.framework.id ?? { value: '' };
    this.report({ type: 'UPDATE', update: { framework_id, status, latest_state: task.state } });
    task.resend = setTimeout(() => this.sendNext(task, wait * 2), wait * 1000);
  }

  private acknowledged({ acknowledge }: Order): void {
    const key = `${acknowledge?.framework_id.value}/${acknowledge?.task_id.value}`;
    const task = this.tasks.get(key);
    const [status] = task?.updates ?? [];
    if (task === undefined || status?.uuid === undefined || acknowledge === undefined) return;
    if (Buffer.compare(status.uuid, acknowledge.uuid) !== 0) return;
    task.updates.shift();
    clearTimeout(task.resend);
    if (status.state !== 'TASK_RUNNING') this.tasks.delete(key);
    else this.sendNext(task);
  }
}

const keyOf = ({ framework, info }: RunningTask) => `${framework.id?.value}/${info.task_id.value}`;
