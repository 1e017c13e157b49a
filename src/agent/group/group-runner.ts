import { constants } from 'node:os';
import { readContainer } from '../../containerizer/container/catalogue.js';
import type { ExitDocument } from '../../containerizer/container/document.js';
import { newId } from '../../containerizer/container/names.js';
import type { ContainerOptions } from '../../containerizer/container/options.js';
import { supervisorLost } from '../../containerizer/container/supervisor-lost.js';
import { BerthError } from '../../errors/berth-error.js';
import type { ExecutorInfo, FrameworkInfo, TaskInfo, TaskStatus } from '../../mesos/messages.js';
import { currentBootId } from '../../state/live-process.js';
import type { Agent } from '../agent.js';
import { boundToHost } from '../container/host-capabilities.js';
import { imageOf } from '../container/image.js';
import type { LiveContainer } from '../container/live-container.js';
import { firstNetwork } from '../container/networks.js';
import { Executor } from '../executor/executor.js';
import { deleteExecutor, executorKey, putExecutor, recoveredExecutors } from '../executor/record.js';
import { lookAgain, recoverContainer } from '../recovery/recover-container.js';
import type { SandboxPlace } from '../sandbox/place.js';
import { retireContainer } from '../sandbox/retire.js';
import { makeSandbox } from '../sandbox/sandbox.js';
import { launchCommand, type Surroundings } from '../task/command-launch.js';
import { CommandRunner } from '../task/command-runner.js';
import type { Task } from '../task/task.js';
import { launchHolder } from './holder.js';

const { SIGKILL } = constants.signals;

/**
 * Runs groups of tasks by the default executor: the agent itself. Each executor is a container that holds the network and what namespaces its tasks share, each task a container beside it. What befalls one task of
 * a group, other than its success, befalls all.
 */
export class GroupRunner extends CommandRunner {
  private readonly known = new Map<string, Executor>();
  private readonly gathering = new Map<string, Task[]>();
  /** Those whose container runs. */
  private readonly holders = new Set<Executor>();

  override takes({ executor }: TaskInfo): boolean {
    return executor?.type === 'DEFAULT';
  }

  /** The task's own; its executor has another. */
  override containerFor({ executor: info }: TaskInfo, frameworkId: string): string {
    if (info === undefined) throw new Error('a task without an executor is none of its');
    const key = executorKey(frameworkId, info.executor_id.value);
    if (!this.known.has(key)) {
      const framework = this.agent.frameworks.get(frameworkId) ?? {
        user: '',
        name: '',
        id: { value: frameworkId },
      };
      this.known.set(
        key,
        new Executor({ framework, info, container_id: newId(), token: '', boot_id: currentBootId() }),
      );
    }
    return newId();
  }

  executors(): { framework: FrameworkInfo; info: ExecutorInfo }[] {
    return [...this.known.values()].map(({ record }) => record);
  }

  /** The order of a group brings its tasks one right after the other. */
  override launch(task: Task): void {
    const executor = this.of(task);
    executor?.tasks.add(task);
    if (executor?.state === 'new') putExecutor(this.agent.records.store, executor.record);
    const { group = task.key } = task.document;
    const gathered = this.gathering.get(group);
    if (gathered !== undefined) {
      gathered.push(task);
      return;
    }
    const tasks = [task];
    this.gathering.set(group, tasks);
    queueMicrotask(() => {
      this.gathering.delete(group);
      this.launchGroup(tasks).catch((error) => this.agent.defect(error));
    });
  }

  override kill(task: Task): void {
    super.kill(task);
    for (const other of this.othersOf(task))
      if (other.kill === undefined && task.kill !== undefined)
        this.agent.kill(other, {
          ...(task.kill.reason !== undefined && { reason: task.kill.reason }),
          message: `Task ${task.id} of its group was killed`,
        });
  }

  shutdownExecutor(frameworkId: string, executorId: string): void {
    const executor = this.known.get(executorKey(frameworkId, executorId));
    for (const task of executor?.tasks ?? [])
      this.agent.kill(task, { message: 'Its executor was shut down' });
  }

  override async recover(tasks: readonly Task[]): Promise<void> {
    const { store } = this.agent.records;
    for (const record of recoveredExecutors(store, ({ type }) => type === 'DEFAULT')) {
      const executor = new Executor(record);
      executor.state = 'running';
      this.known.set(executor.key, executor);
    }
    for (const task of tasks) this.of(task)?.tasks.add(task);
    await Promise.all([...this.known.values()].map((executor) => this.recoverHolder(executor)));
    await super.recover(tasks);
    for (const task of tasks) this.settle(task);
    for (const executor of this.known.values()) if (executor.tasks.size === 0) this.endHolder(executor);
    this.discardEnded();
  }

  protected override statusOf(
    task: Task,
    container: LiveContainer,
  ): NonNullable<TaskStatus['container_status']> {
    const parent = this.of(task)?.containerId;
    const own = super.statusOf(task, container);
    return parent === undefined
      ? own
      : { ...own, container_id: { value: container.id, parent: { value: parent } } };
  }

  protected override ended(task: Task, exit: ExitDocument): void {
    super.ended(task, exit);
    this.settle(task);
  }

  /** After the end of a task: that of its group, and of its executor. */
  private settle(task: Task): void {
    if (!task.ended) return;
    const executor = this.of(task);
    executor?.tasks.delete(task);
    if (task.state !== 'TASK_FINISHED')
      for (const other of this.othersOf(task))
        if (other.kill === undefined)
          this.agent.kill(other, { message: `Task ${task.id} of its group has ended as ${task.state}` });
    if (executor?.tasks.size === 0) this.endHolder(executor);
  }

  private of(task: Task): Executor | undefined {
    return this.known.get(executorKey(task.frameworkId, task.executorId));
  }

  private othersOf(task: Task): Task[] {
    const { group } = task.document;
    const all = [...(this.of(task)?.tasks ?? [])];
    return all.filter((each) => each !== task && each.document.group === group && !each.ended);
  }

  private async launchGroup(tasks: readonly Task[]): Promise<void> {
    const { agent } = this;
    for (const task of tasks)
      if (task.kill === undefined)
        agent.updates.say(task, { state: 'TASK_STARTING', source: 'SOURCE_EXECUTOR' });
    const launched = new Map<Task, LiveContainer>();
    try {
      const around = await this.surroundings(tasks);
      for (const task of tasks) {
        const container =
          task.kill === undefined ? await launchCommand(agent, task, around(task)) : undefined;
        if (container === undefined) break;
        launched.set(task, container);
      }
    } catch (error) {
      if (!(error instanceof BerthError)) agent.defect(error);
      if (this.closed) return;
      await this.withdraw(tasks, launched, error instanceof Error ? error.message : String(error));
      return;
    }
    // Half of it may run: the next agent takes up what does, and ends it with the rest.
    if (this.closed) return;
    if (launched.size < tasks.length) await this.withdraw(tasks, launched, undefined);
    else for (const [task, container] of launched) this.watch(task, container, true);
  }

  /** What was launched of a group that cannot be whole ends; none of it is said to have run. `why`: undefined, it was killed. */
  private async withdraw(
    tasks: readonly Task[],
    launched: Map<Task, LiveContainer>,
    why: string | undefined,
  ): Promise<void> {
    for (const container of launched.values()) container.signal(SIGKILL);
    await Promise.all([...launched.values()].map(({ ended }) => ended));
    for (const task of tasks) {
      if (why === undefined || task.kill !== undefined) {
        this.agent.kill(task, { message: 'Its group was killed before it was launched' });
        this.killedBefore(task);
      } else
        this.agent.updates.say(task, {
          state: 'TASK_FAILED',
          source: 'SOURCE_AGENT',
          reason: 'REASON_CONTAINER_LAUNCH_FAILED',
          message: `Failed to launch the group: ${why}`,
        });
      if (launched.has(task)) retireContainer(this.agent, this.agent.placeOf(task));
    }
    for (const task of tasks) this.settle(task);
  }

  /** Starts the executor's container if it is not there, and gives what each task has of it. */
  private async surroundings(tasks: readonly Task[]): Promise<(task: Task) => Surroundings> {
    const [first] = tasks;
    const executor = first && this.of(first);
    if (first === undefined || executor === undefined) throw new Error('a group without an executor');
    const { containerId } = executor;
    const network = firstNetwork(executor.record.info.container);
    const sharing = network !== 'host' || tasks.some(sharesNamespaces);
    if (executor.state === 'new') {
      executor.state = 'launching';
      const hostIds = sharing && tasks.some(({ info }) => imageOf(info.container) === undefined);
      executor.holder = launchHolder(this.agent, executor, hostIds).then((container) => {
        if (container === undefined) return;
        // It may have become too late for it meanwhile.
        if (executor.usable) executor.state = 'running';
        this.watchHolder(executor, container);
      });
    }
    await executor.holder;
    const parentSandbox = makeSandbox(this.agent.config.sandboxes, placeOf(this.agent, executor));
    // Whoever shares a namespace with it has its ids.
    const hostIds = readContainer(this.agent.roots, containerId)?.document.first_id === null;
    const within = (task: Task, options: ContainerOptions) => {
      const together = shared(containerId, network, task, options);
      const joins = [together.network, together.pid, together.ipc].some((each) => typeof each !== 'string');
      return hostIds && joins ? boundToHost(together, this.agent.config.hostCapabilities) : together;
    };
    return (task) => ({ parentSandbox, within: (options) => within(task, options) });
  }

  busy(): boolean {
    return this.holders.size > 0;
  }

  private watchHolder(executor: Executor, container: LiveContainer): void {
    executor.container = container;
    this.holders.add(executor);
    if (!executor.usable) container.signal(SIGKILL);
    container.ended.then(
      (exit) => {
        if (!this.closed) this.holderEnded(executor, exit);
      },
      (error) => {
        this.agent.defect(error);
        setTimeout(() => {
          if (!this.closed) this.recoverHolder(executor).catch((cause) => this.agent.defect(cause));
        }, lookAgain).unref();
      },
    );
  }

  /** Its last task has ended, and so has the executor. */
  private endHolder(executor: Executor): void {
    if (executor.state === 'ended') return;
    executor.state = 'ended';
    this.known.delete(executor.key);
    this.agent.link.report({
      type: 'EXECUTOR_EXITED',
      executor_exited: {
        framework_id: { value: executor.frameworkId },
        executor_id: { value: executor.id },
        status: 0,
      },
    });
    if (executor.container === undefined) deleteExecutor(this.agent.records.store, executor.record);
    else executor.container.signal(SIGKILL);
  }

  private holderEnded(executor: Executor, exit: ExitDocument): void {
    // Nobody but the agent is to end it.
    for (const task of executor.tasks)
      this.agent.kill(task, {
        state: 'TASK_FAILED',
        reason: 'REASON_EXECUTOR_TERMINATED',
        message: `The container of its executor ended with status ${exit.status}`,
        graceSeconds: 0,
      });
    if (!this.known.has(executor.key)) deleteExecutor(this.agent.records.store, executor.record);
    this.holders.delete(executor);
    this.agent.records.flushed(() => {
      try {
        retireContainer(this.agent, placeOf(this.agent, executor));
      } catch (error) {
        this.agent.defect(error);
      }
      this.agent.leaveWhenQuiet();
    });
  }

  private async recoverHolder(executor: Executor): Promise<void> {
    const { agent } = this;
    const found = await recoverContainer(agent, executor.containerId);
    if (found.kind === 'runs') this.watchHolder(executor, found.container);
    else if (found.kind === 'ended') this.holderEnded(executor, found.exit);
    else if (found.kind === 'damaged' || this.holders.has(executor))
      this.holderEnded(executor, supervisorLost());
  }
}

function sharesNamespaces({ info: { container } }: Task): boolean {
  return (
    container?.linux_info?.share_pid_namespace === true || container?.linux_info?.ipc_mode === 'SHARE_PARENT'
  );
}

/** The network is the executor's for all; other namespaces for those that say so. */
function shared(
  executor: string,
  network: ContainerOptions['network'],
  { info: { container } }: Task,
  { hostname, ...options }: ContainerOptions,
): ContainerOptions {
  const peer = { container: executor };
  return {
    ...options,
    // On another's network it has that one's name.
    ...(network === 'host' && hostname !== undefined && { hostname }),
    network: network === 'host' ? 'host' : peer,
    publish: [],
    ...(container?.linux_info?.share_pid_namespace === true && { pid: peer }),
    ...(container?.linux_info?.ipc_mode === 'SHARE_PARENT' && { ipc: peer }),
  };
}

function placeOf({ id: agentId = '' }: Agent, { frameworkId, id, containerId }: Executor): SandboxPlace {
  return { agentId, frameworkId, executorId: id, containerId };
}
