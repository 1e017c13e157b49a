import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { jsonCodec } from '../../src/mesos/codec.js';
import type {
  CommandInfo,
  FrameworkInfo,
  Offer,
  Resource,
  TaskInfo,
  TaskStatus,
} from '../../src/mesos/messages.js';
import type { Stage } from '../container/stage.js';
import { post, SchedulerClient } from '../master-lite/scheduler-client.js';
import { StagedMaster, type Test, until } from '../master-lite/staged-master.js';

/** What a test lends for a whole cluster. */
type ClusterTest = Test & { teardown(call: () => Promise<void> | void): void };

/** An agent of a stage's root, as a process of its own that is killed and started again as a test wishes. */
export class StagedAgent {
  child: ChildProcess | undefined;
  /** What it said on stderr, over all its lives. */
  said = '';
  exit: number | null | undefined;

  constructor(
    readonly stage: Stage,
    private readonly flags: string[],
  ) {}

  start(): this {
    this.exit = undefined;
    const [file = '', ...words] = this.stage.command('agent', this.flags);
    const child = spawn(file, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.said += text;
    });
    child.on('exit', (status) => {
      if (child === this.child) this.exit = status;
    });
    return this;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Resolves when it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  /** As often as it has registered or come back. */
  get connections(): number {
    return this.said.split(/registered as|back at/).length - 1;
  }

  async connected(times = 1): Promise<void> {
    await until('the agent is connected', () => this.connections >= times || this.exit !== undefined);
    if (this.exit !== undefined) throw new Error(`the agent ended: ${this.said}`);
  }
}

/** A master in this process, an agent of a stage, and a framework. */
export class Cluster {
  private constructor(
    readonly master: StagedMaster,
    readonly agent: StagedAgent,
    readonly framework: SchedulerClient,
  ) {}

  static async open(
    t: ClusterTest,
    stage: Stage,
    {
      flags = [],
      info = {},
      config = {},
    }: { flags?: string[]; info?: Partial<FrameworkInfo>; config?: object } = {},
  ): Promise<Cluster> {
    const master = await StagedMaster.open(t, { agentHeartbeat: 1, agentTimeout: 30 });
    const resources = 'cpus:8;mem:4096;disk:10000;ports:[31000-31999]';
    const agent = new StagedAgent(stage, [
      ...['--master', master.url, '--listen', '127.0.0.1:0', '--resources', resources],
      ...['--config', configFile(stage, config)],
      ...flags,
    ]).start();
    t.after(() => agent.end('SIGTERM'));
    await agent.connected();
    const framework = new SchedulerClient(master.url, jsonCodec);
    t.after(() => framework.close());
    await framework.subscribe({ failover_timeout: 3600, ...info });
    return new Cluster(master, agent, framework);
  }

  /** Launches tasks on the next offer. */
  async launch(...tasks: ((offer: Offer) => TaskInfo)[]): Promise<void> {
    const offer = await this.roomFor(tasks.length);
    const status = await this.framework.launch(
      offer,
      tasks.map((make) => make(offer)),
      0,
    );
    if (status !== 202) throw new Error(`ACCEPT was answered with ${status}`);
  }

  /** An offer that so many usual tasks fit in: what is free in pieces is given back, to be offered as one. */
  private async roomFor(count: number): Promise<Offer> {
    const { framework } = this;
    for (;;) {
      const offer = await framework.offer();
      const memory = offer.resources?.find(({ name }) => name === 'mem')?.scalar?.value ?? 0;
      if (memory >= count * 64) return offer;
      const offer_ids = [...framework.offers.values()].map(({ id }) => id);
      framework.offers.clear();
      await framework.call({ type: 'DECLINE', decline: { offer_ids, filters: { refuse_seconds: 0 } } });
    }
  }

  /** The first status of a task in that state. */
  async status(task: string, ...states: string[]): Promise<TaskStatus> {
    const find = () =>
      this.framework.statuses.find(({ task_id, state }) => task_id.value === task && states.includes(state));
    const told = () => {
      const all = this.framework.statuses.filter(({ task_id }) => task_id.value === task);
      const words = all.map(({ state, message }) => `${state} (${message})`);
      return `${words.join(', ')} of ${task}, not ${states.join(' or ')}`;
    };
    try {
      await until(`${task} in state ${states.join(' or ')}`, () => find() !== undefined);
    } catch {
      throw new Error(`${told()}; the agent said: ${this.agent.said}`);
    }
    const found = find();
    if (found === undefined) throw new Error(told());
    return found;
  }

  /** Runs one to its end and gives its last status. */
  async run(make: (offer: Offer) => TaskInfo): Promise<TaskStatus> {
    let id = '';
    await this.launch((offer) => {
      const info = make(offer);
      id = info.task_id.value;
      return info;
    });
    return this.status(
      id,
      'TASK_FINISHED',
      'TASK_FAILED',
      'TASK_KILLED',
      'TASK_LOST',
      'TASK_DROPPED',
      'TASK_ERROR',
    );
  }

  /** States of a task, each said once. */
  states(task: string): string[] {
    return [...new Set(this.framework.states(task))];
  }

  /** One call of an operator. */
  async operator(call: object): Promise<void> {
    const { status, body } = await post(this.master.url, '/api/v1', {
      body: JSON.stringify(call),
      headers: { 'Content-Type': 'application/json' },
    });
    if (status >= 300) throw new Error(`it was answered with ${status}: ${body}`);
  }

  kill(task: string, graceSeconds?: number): Promise<number> {
    return this.framework.call({
      type: 'KILL',
      kill: {
        task_id: { value: task },
        ...(graceSeconds !== undefined && {
          kill_policy: { grace_period: { nanoseconds: graceSeconds * 1e9 } },
        }),
      },
    });
  }
}

/** The stage's images are folders. */
export function configFile(stage: Stage, config: object = {}): string {
  const file = path.join(stage.folder, 'agent.json');
  writeFileSync(file, JSON.stringify({ local_images: true, host_volumes: [stage.folder], ...config }));
  return file;
}

const scalar = (name: string, value: number): Resource => ({ name, type: 'SCALAR', scalar: { value } });

/** A task of a shell command; `extra` goes over all else. */
export function task(
  id: string,
  command: string | CommandInfo,
  extra: Partial<TaskInfo> = {},
): (offer: Offer) => TaskInfo {
  return ({ agent_id }) => ({
    name: id,
    task_id: { value: id },
    agent_id,
    resources: [scalar('cpus', 0.1), scalar('mem', 64)],
    command: typeof command === 'string' ? { value: command } : command,
    ...extra,
  });
}

export const withPorts = (first: number, last = first): Resource[] => [
  scalar('cpus', 0.1),
  scalar('mem', 64),
  { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: first, end: last }] } },
];

/** Where a task's files lie on the host. */
export function sandboxOf(stage: Stage, status: TaskStatus, frameworkId: string): string {
  return path.join(
    ...[stage.roots.root, 'sandboxes', 'slaves', status.agent_id?.value ?? '', 'frameworks', frameworkId],
    ...['executors', status.task_id.value, 'runs', status.container_status?.container_id?.value ?? 'latest'],
  );
}
