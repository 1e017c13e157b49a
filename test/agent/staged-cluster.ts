import path from 'node:path';
import type { Agent } from '../../src/agent/agent.js';
import { type AgentConfig, defaultConfig } from '../../src/agent/config.js';
import { agentState, type RunningAgent, startAgent } from '../../src/agent/start.js';
import { jsonCodec } from '../../src/mesos/codec.js';
import type { ExecutorInfo, FrameworkInfo, Offer, Resource, TaskInfo } from '../../src/mesos/messages.js';
import { EmbeddedStore } from '../../src/state/store/embedded-store.js';
import type { Stage } from '../container/stage.js';
import { SchedulerClient } from '../master-lite/scheduler-client.js';
import { StagedMaster, type Test, until } from '../master-lite/staged-master.js';

const scalar = (name: string, value: number): Resource => ({ name, type: 'SCALAR', scalar: { value } });
export const small: Resource[] = [scalar('cpus', 0.1), scalar('mem', 32)];

/** Master and agent in this process, over HTTP all the same, and a framework. */
export class StagedCluster {
  agent!: Agent;
  url = '';
  readonly notes: string[] = [];
  /** Set where there are to be some; else they fail the test. */
  defects: unknown[] | undefined;
  /** The agent has left for good. */
  left = false;
  private running: RunningAgent | undefined;

  private constructor(
    private readonly t: Test,
    readonly stage: Stage,
    readonly master: StagedMaster,
    readonly framework: SchedulerClient,
    /** Of an agent that is started from now on. */
    public config: Partial<AgentConfig>,
  ) {}

  static async open(
    t: Test,
    stage: Stage,
    config: Partial<AgentConfig> = {},
    info: Partial<FrameworkInfo> = {},
    /** The master asks the kernel whose each connection is. */
    checked = false,
  ): Promise<StagedCluster> {
    const master = await StagedMaster.open(t, { agentHeartbeat: 1, agentTimeout: 30 }, checked);
    const framework = new SchedulerClient(master.url, jsonCodec);
    const cluster = new StagedCluster(t, stage, master, framework, config);
    t.after(() => framework.close());
    t.after(() => cluster.stop());
    await cluster.start();
    await framework.subscribe({ failover_timeout: 3600, name: 'tried', ...info });
    return cluster;
  }

  async start(): Promise<void> {
    const { stage, t } = this;
    const config = {
      ...defaultConfig(stage.roots),
      masters: [this.master.url],
      hostname: 'staged',
      port: 0,
      localImages: true,
      resources: 'cpus:8;mem:4096;disk:10000;ports:[31000-31999]',
      ...this.config,
    };
    this.left = false;
    const fail = (error: unknown) => t.fail(error instanceof Error ? (error.stack ?? '') : String(error));
    this.running = await startAgent(config, {
      roots: stage.roots,
      openStore: (options) =>
        EmbeddedStore.open(path.join(config.folder, 'store'), { ...options, owner: agentState }),
      note: (text) => this.notes.push(text),
      onDefect: (error) => (this.defects === undefined ? fail(error) : void this.defects.push(error)),
      onStoreFailure: fail,
      onLeft: () => {
        this.left = true;
      },
      peerOwner: () => 0,
    });
    this.agent = this.running.agent;
    this.url = `http://${this.agent.endpoint}`;
  }

  /** The agent ends; what it runs does not. */
  async stop(): Promise<void> {
    await this.running?.close();
    this.running = undefined;
  }

  /** Accepts the next offer for one operation. */
  async accept(make: (offer: Offer) => object): Promise<void> {
    const large = () => [...this.framework.offers.values()].find((each) => cpusOf(each) >= 1);
    await until('an offer with room', () => large() !== undefined);
    const offer = large();
    if (offer === undefined) throw new Error('unreachable');
    this.framework.offers.delete(offer.id.value);
    const status = await this.framework.call({
      type: 'ACCEPT',
      accept: { offer_ids: [offer.id], operations: [make(offer)], filters: { refuse_seconds: 0 } },
    });
    if (status !== 202) throw new Error(`ACCEPT was answered with ${status}`);
  }

  launch(...tasks: (Partial<TaskInfo> & { name: string })[]): Promise<void> {
    return this.accept(({ agent_id }) => ({
      type: 'LAUNCH',
      launch: {
        task_infos: tasks.map((task) => ({
          task_id: { value: task.name },
          agent_id,
          resources: small,
          ...task,
        })),
      },
    }));
  }

  /** States of a task, each said once. */
  states(task: string): string[] {
    return [...new Set(this.framework.states(task))];
  }

  status(task: string, state: string) {
    return this.framework.statuses.find((each) => each.task_id.value === task && each.state === state);
  }

  async reaches(task: string, state: string): Promise<NonNullable<ReturnType<StagedCluster['status']>>> {
    try {
      await until(`${task} is ${state}`, () => this.status(task, state) !== undefined);
    } catch (error) {
      const told = this.framework.statuses
        .filter(({ task_id }) => task_id.value === task)
        .map(({ state, reason, message }) => `${state} ${reason} ${message}`);
      throw new Error(`${String(error)}: ${told.join('; ')}; ${this.notes.join('; ')}`);
    }
    const status = this.status(task, state);
    if (status === undefined) throw new Error('unreachable');
    return status;
  }

  kill(task: string): Promise<number> {
    return this.framework.call({ type: 'KILL', kill: { task_id: { value: task } } });
  }
}

const cpusOf = ({ resources = [] }: Offer): number =>
  resources.find(({ name }) => name === 'cpus')?.scalar?.value ?? 0;

/** An executor that is this project's own program or a shell's. */
export function executor(id: string, value: string, more: Partial<ExecutorInfo> = {}): ExecutorInfo {
  return { executor_id: { value: id }, type: 'CUSTOM', command: { value }, resources: small, ...more };
}
