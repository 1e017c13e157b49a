import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { isTerminal } from '../../../src/agent/task/states.js';
import { listContainers } from '../../../src/containerizer/container/catalogue.js';
import type { ExecutorInfo, Offer, TaskInfo, TaskStatus } from '../../../src/mesos/messages.js';
import { places, type Roots, rootHash } from '../../../src/state/roots.js';
import type { Stage } from '../../container/stage.js';
import { leaksSince } from '../../leaks/audit.js';
import { takeInventory } from '../../leaks/inventory.js';
import { SchedulerClient } from '../../master-lite/scheduler-client.js';
import { projectFolder } from '../../source-files.js';
import { Mortal } from './mortal.js';
import type { Random } from './random.js';
import { killIfThere } from './scene.js';

/** Who dies in a round. */
const victims = [
  ...(['agent', 'agent', 'agent', 'master', 'master', 'supervisor', 'payload'] as const),
  ...(['agent and master', 'agent and supervisor', 'agent and payload', 'nobody'] as const),
] as const;

/** Milliseconds within which what a round has begun is to come to its end. */
const patience = 90_000;

interface Wanted {
  info: TaskInfo;
  /** What its program exits with if nobody disturbs it. */
  status: number;
}

/** A master and an agent on this host, and a framework; each may be killed at any moment, and lives again. */
export class HurtCluster {
  private readonly master: Mortal;
  private readonly agent: Mortal;
  private readonly client: SchedulerClient;
  private listening = true;
  private made = 0;

  constructor(
    private readonly t: Test,
    private readonly stage: Stage,
    private readonly random: Random,
  ) {
    const { folder, roots } = stage;
    const kept = path.join(folder, 'master');
    mkdirSync(kept);
    const config = path.join(folder, 'agent.json');
    writeFileSync(
      config,
      JSON.stringify({
        ...{ local_images: true, update_retry_seconds: 0.5, reconnect_seconds: 0.05 },
        // Executors are read from the checkout, and this machine may have much else to do.
        ...{ host_volumes: [projectFolder], executor_reregistration_seconds: 30 },
      }),
    );
    const [file = '', ...rest] = stage.command('master', ['--listen', '127.0.0.1:5050']);
    const words = rest.map((word) => (word === roots.root ? kept : word));
    this.master = new Mortal([file, ...words], path.join(folder, 'master.log'));
    this.agent = new Mortal(
      stage.command('agent', ['--config', config, '--resources', 'cpus:4;mem:2048;ports:[31000-31099]']),
      path.join(folder, 'agent.log'),
    );
    this.client = new SchedulerClient('http://127.0.0.1:5050');
    this.subscribe();
  }

  /** Launches a few tasks, has somebody die, and waits until of each task one end is told; then nothing else is left. */
  async round(number: number): Promise<void> {
    const { t, random, client, stage } = this;
    const before = takeInventory(stage.mustBeEmpty());
    // Master and agent come again as other children, and the cgroup that all containers are in stays for the next.
    const common = new RegExp(`^children: |/berth-${rootHash(stage.roots)}$`);
    const mine = (line: string) => !common.test(line) && !trash.test(line) && stage.mine(line);
    const victim = random.pick(victims);
    const ordered = random.chance(0.2);
    const offer = await this.comesAbout('an offer of the whole agent', () => this.wholeOffer());
    const tasks = Array.from({ length: 1 + Math.floor(random.next() * 3) }, (_, index) =>
      this.task(offer, index, number),
    );
    // An executor takes its time to begin.
    const later = tasks.some(({ info }) => info.executor !== undefined) ? 2500 : 700;
    const moment = random.between(0, random.chance(0.4) ? 120 : later);
    const kinds = tasks.map(({ info }) => info.name).join(', ');
    const what = `round ${number}: ${kinds}; ${victim} after ${moment.toFixed(0)} ms${ordered ? ', killed by order' : ''}`;
    const infos = tasks.map(({ info }) => info);
    const accepted = client.launch(offer, infos, 0).then(
      (status) => status === 202,
      () => false,
    );
    await sleep(moment);
    if (ordered) this.order(infos[0]);
    this.strike(victim);
    const heard = await accepted;
    try {
      await this.comesAbout(`${what}: ends`, () => this.allEnded(infos));
    } catch (error) {
      t.fail(`${error instanceof Error ? error.message : error}: ${JSON.stringify(this.told(infos))}`);
      throw error;
    }
    for (const task of tasks) this.judge(what, task, victim, ordered, heard);
    await this.comesAbout(`${what}: nothing runs`, () => listContainers(stage.roots, () => {}).length === 0);
    t.strictSame(await leaksSince(before, stage.mustBeEmpty(), mine), [], what);
    t.strictSame([...this.master.surprises, ...this.agent.surprises], [], `${what}: ends of their own`);
  }

  async close(): Promise<void> {
    this.listening = false;
    await this.client.call({ type: 'TEARDOWN' }).catch(() => {});
    this.client.close();
    await this.agent.stop();
    await this.master.stop();
    emptyTrash(this.stage.roots);
  }

  private subscribe(): void {
    const again = async () => {
      while (this.listening) {
        try {
          this.client.offers.clear();
          await this.client.subscribe({
            ...{ name: 'torture', failover_timeout: 3600, checkpoint: true },
            ...{ roles: ['torture'], capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }] },
          });
          while (!this.client.ended) await sleep(10);
        } catch {
          // The master is away.
        }
        await sleep(20);
      }
    };
    void again();
  }

  /** Pieces are given back, and come again as one. */
  private wholeOffer(): Offer | undefined {
    for (const offer of this.client.offers.values()) {
      const free = (name: string) => offer.resources?.find((each) => each.name === name);
      if (free('cpus')?.scalar?.value === 4 && free('ports')?.ranges?.range?.length === 1) return offer;
      this.client.launch(offer, [], 0).catch(() => {});
    }
    return undefined;
  }

  private task({ agent_id, resources = [] }: Offer, index: number, round: number): Wanted {
    const { random, stage } = this;
    const id = `t${this.made++}`;
    const kind = random.pick(['command', 'image', 'bridge', 'executor'] as const);
    const status = random.pick([0, 3]);
    const [ports] = resources.flatMap(({ ranges }) => ranges?.range ?? []);
    const port = (ports?.begin ?? 0) + index;
    const image = { type: 'DOCKER' as const, docker: { name: stage.image.reference } };
    const seconds = Number(random.between(0, 0.8).toFixed(2));
    const network = { name: 'bridge', port_mappings: [{ host_port: port, container_port: 80 }] };
    return {
      status,
      info: {
        name: kind,
        task_id: { value: id },
        agent_id,
        resources: [
          { name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } },
          { name: 'mem', type: 'SCALAR', scalar: { value: 32 } },
          ...(kind === 'bridge'
            ? [{ name: 'ports', type: 'RANGES' as const, ranges: { range: [{ begin: port, end: port }] } }]
            : []),
        ],
        ...(kind === 'executor'
          ? { executor: executor(round), data: Buffer.from(JSON.stringify({ seconds, status })) }
          : { command: { value: `sleep ${seconds}; exit ${status}` } }),
        ...((kind === 'image' || kind === 'bridge') && {
          container: {
            type: 'MESOS',
            mesos: { image },
            ...(kind === 'bridge' && { network_infos: [network] }),
          },
        }),
      },
    };
  }

  private order(info: TaskInfo | undefined): void {
    if (info === undefined) return;
    const { task_id, agent_id } = info;
    this.client.call({ type: 'KILL', kill: { task_id, agent_id } }).catch(() => {});
  }

  private strike(victim: (typeof victims)[number]): void {
    const all = listContainers(this.stage.roots, () => {});
    for (const { process } of all) {
      if (victim.includes('supervisor')) killIfThere(process?.supervisor.pid ?? -1);
      if (victim.includes('payload')) killIfThere(process?.task.pid ?? -1);
    }
    if (victim.includes('agent')) this.agent.kill();
    if (victim.includes('master')) this.master.kill();
  }

  private told(infos: TaskInfo[]): TaskStatus[] {
    const ids = new Set(infos.map(({ task_id }) => task_id.value));
    return this.client.statuses.filter(({ task_id }) => ids.has(task_id.value));
  }

  private ends({ task_id }: TaskInfo): TaskStatus[] {
    return this.client.statuses.filter(
      (status) => status.task_id.value === task_id.value && isTerminal(status.state),
    );
  }

  private asked = 0;

  /** Asks now and then after those that it knows no end of, as a framework should. */
  private allEnded(infos: TaskInfo[]): boolean {
    const open = infos.filter((info) => this.ends(info).length === 0);
    if (open.length > 0 && Date.now() - this.asked > 1000) {
      this.asked = Date.now();
      const tasks = open.map(({ task_id, agent_id }) => ({ task_id, agent_id }));
      this.client.call({ type: 'RECONCILE', reconcile: { tasks } }).catch(() => {});
    }
    return open.length === 0;
  }

  private judge(what: string, { info, status }: Wanted, victim: string, ordered: boolean, heard: boolean) {
    const { t } = this;
    // An order to kill a task whose end is acknowledged is a question after a task that nobody knows.
    const told = this.told([info]);
    const known = told.some(({ uuid }) => uuid !== undefined);
    const asked = ({ state, uuid }: TaskStatus) =>
      ordered && known && state === 'TASK_GONE' && uuid === undefined;
    const statuses = told.filter((each) => !asked(each));
    const ends = statuses.filter(({ state }) => isTerminal(state));
    const story = statuses.map(({ state, reason, message }) => `${state} ${reason ?? ''} ${message ?? ''}`);
    const states = new Set(ends.map(({ state }) => state));
    const uuids = new Set(
      ends.flatMap(({ uuid }) => (uuid === undefined ? [] : [Buffer.from(uuid).toString('hex')])),
    );
    t.ok(
      states.size === 1 && uuids.size <= 1,
      `${what}: ${info.task_id.value} has one end: ${story.join('; ')}`,
    );
    t.ok(
      isTerminal(statuses.at(-1)?.state ?? 'TASK_STAGING'),
      `${what}: nothing is told after it: ${story.join('; ')}`,
    );
    // The agent's own word, if it was not the master that answered a question with the state alone.
    const end = ends.find(({ uuid }) => uuid !== undefined) ?? ends[0];
    if (end === undefined) return;
    const { state, reason = '', message = '' } = end;
    const died = (who: string) => victim.includes(who);
    const allowed =
      (state === (status === 0 ? 'TASK_FINISHED' : 'TASK_FAILED') &&
        message === `Command exited with status ${status}`) ||
      (died('supervisor') && state === 'TASK_FAILED' && reason === 'REASON_EXECUTOR_TERMINATED') ||
      (died('payload') && state === 'TASK_FAILED' && message === 'Command terminated with signal 9') ||
      (died('payload') && info.executor !== undefined && reason === 'REASON_EXECUTOR_TERMINATED') ||
      (died('agent') && state === 'TASK_DROPPED' && reason === 'REASON_AGENT_RESTARTED') ||
      // The order was not on its way yet, or not on the agent's disk.
      ((died('agent') || died('master')) && state === 'TASK_DROPPED' && reason === 'REASON_RECONCILIATION') ||
      // Whatever came over a master that died before it was on the disk was never there.
      (died('master') && state === 'TASK_GONE' && statuses.every(({ uuid }) => uuid === undefined)) ||
      // The offer was of an agent that had died in the round before.
      (state === 'TASK_DROPPED' && reason === 'REASON_INVALID_OFFERS' && statuses.length === 1) ||
      (ordered && state === 'TASK_KILLED');
    t.ok(
      allowed,
      `${what}${heard ? '' : ' (not heard)'}: ${info.task_id.value} was to exit with ${status}: ${story.join('; ')}`,
    );
  }

  private async comesAbout<T>(what: string, look: () => T | undefined | false): Promise<T> {
    for (const deadline = Date.now() + patience; Date.now() < deadline; await sleep(10)) {
      const seen = look();
      if (seen !== undefined && seen !== false) return seen;
    }
    throw new Error(`did not come about: ${what}`);
  }
}

/** What whoever was killed while he removed a container has left is taken away by a later agent: for a minute it may be somebody's who is still at it. */
const trash = /\/(\.trash-|trash\/)/;

function emptyTrash(roots: Roots): void {
  for (const folder of [places.running(roots), places.trash(roots)])
    if (existsSync(folder))
      for (const name of readdirSync(folder))
        if (trash.test(`${folder}/${name}`)) rmSync(path.join(folder, name), { recursive: true });
}

const program = path.join(projectFolder, 'dist/test/e2e/torture/executor.js');

/** One for all tasks of a round that want one. */
function executor(round: number): ExecutorInfo {
  const volume = { host_path: projectFolder, container_path: projectFolder, mode: 'RO' as const };
  return {
    executor_id: { value: `executor-${round}` },
    type: 'CUSTOM',
    command: { value: `exec ${process.execPath} ${program} ${round % 2 === 0 ? 'socket' : 'port'}` },
    container: { type: 'MESOS', volumes: [volume] },
    resources: [
      { name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } },
      { name: 'mem', type: 'SCALAR', scalar: { value: 128 } },
    ],
  };
}
