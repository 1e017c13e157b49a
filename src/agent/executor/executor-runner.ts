import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import type { ExitDocument } from '../../containerizer/container/document.js';
import { newId } from '../../containerizer/container/names.js';
import { BerthError } from '../../errors/berth-error.js';
import type {
  ExecutorCallSubscribe,
  ExecutorInfo,
  FrameworkInfo,
  TaskInfo,
  TaskStatus,
} from '../../mesos/messages.js';
import { currentBootId } from '../../state/live-process.js';
import type { Agent } from '../agent.js';
import type { LiveContainer } from '../container/live-container.js';
import { lookAgain, recoverContainer } from '../recovery/recover-container.js';
import { retireContainer } from '../sandbox/retire.js';
import { Alarms } from '../task/alarms.js';
import type { TaskRunner } from '../task/runner.js';
import { isTerminal, lostAs } from '../task/states.js';
import { type Task, taskKey } from '../task/task.js';
import { mostPending } from '../updates/updates.js';
import { deliver } from './delivery.js';
import { executorEnding, neverHeard, rawStatus } from './ending.js';
import { shutdownGrace } from './environment.js';
import { containerStatus, greeting, isKnown } from './events.js';
import { Executor, type ExecutorLink } from './executor.js';
import { launchExecutor } from './executor-launch.js';
import { Fitting } from './fitting.js';
import { deleteExecutor, executorKey, putExecutor, recoveredExecutors } from './record.js';
import { Unheard } from './unheard.js';
import { isValid } from './validate-call.js';

const { SIGKILL } = constants.signals;

/** Runs tasks by executors of their frameworks' own: one container for each executor, and any number of tasks in it. */
export class ExecutorRunner implements TaskRunner {
  private readonly known = new Map<string, Executor>();
  private readonly alarms = new Alarms<Executor>();
  private readonly fitting: Fitting;
  private readonly unheard: Unheard;
  /** This agent has ended; what still ends is for the next one to find. */
  private closed = false;

  constructor(private readonly agent: Agent) {
    this.fitting = new Fitting(agent);
    this.unheard = new Unheard(agent);
  }

  takes({ executor }: TaskInfo): boolean {
    return executor !== undefined && executor.type !== 'DEFAULT';
  }

  containerFor({ executor: info }: TaskInfo, frameworkId: string): string {
    if (info === undefined) throw new Error('a task without an executor is none of its');
    const found = this.known.get(executorKey(frameworkId, info.executor_id.value));
    if (found !== undefined) return found.containerId;
    const framework = this.agent.frameworks.get(frameworkId) ?? {
      user: '',
      name: '',
      id: { value: frameworkId },
    };
    const executor = new Executor({
      framework,
      info,
      container_id: newId(),
      token: randomBytes(32).toString('base64url'),
      boot_id: currentBootId(),
    });
    this.known.set(executor.key, executor);
    return executor.containerId;
  }

  find(frameworkId: string, executorId: string): Executor | undefined {
    return this.known.get(executorKey(frameworkId, executorId));
  }

  all(): Iterable<Executor> {
    return this.known.values();
  }

  executors(): { framework: FrameworkInfo; info: ExecutorInfo }[] {
    return [...this.known.values()].map(({ record }) => record);
  }

  launch(task: Task): void {
    const executor = this.of(task);
    if (executor === undefined || !executor.usable) {
      this.agent.updates.say(task, {
        state: lostAs(task.framework, 'TASK_DROPPED'),
        source: 'SOURCE_AGENT',
        reason: 'REASON_EXECUTOR_TERMINATED',
        message: 'Its executor is ending',
      });
      return;
    }
    executor.tasks.add(task);
    if (executor.state !== 'new') {
      this.fitting.fit(executor);
      deliver(this.agent, executor);
      return;
    }
    executor.state = 'launching';
    putExecutor(this.agent.records.store, executor.record);
    this.start(executor, task).catch((error) => this.agent.defect(error));
  }

  kill(task: Task): void {
    const executor = this.of(task);
    const { kill } = task;
    if (executor === undefined || kill === undefined) return;
    if (executor.delivered.has(task)) {
      const left = Math.max(0, kill.deadline - Date.now()) * 1e6;
      executor.link?.send({
        type: 'KILL',
        kill: { task_id: task.info.task_id, kill_policy: { grace_period: { nanoseconds: left } } },
      });
      return;
    }
    executor.tasks.delete(task);
    this.agent.updates.say(task, {
      state: kill.state,
      source: 'SOURCE_AGENT',
      reason: kill.reason ?? 'REASON_TASK_KILLED_DURING_LAUNCH',
      message: kill.message ?? 'Killed before its executor had it',
    });
    // Nobody else waits for it.
    if (executor.tasks.size === 0 && executor.state !== 'running') this.shutdown(executor);
  }

  /** Has it end, with all its tasks; after its grace it is made to. */
  shutdown(executor: Executor, graceSeconds = shutdownGrace(this.agent, executor.record)): void {
    if (executor.state === 'ended') return;
    const { record, link } = executor;
    const wanted = link === undefined ? Date.now() : Date.now() + graceSeconds * 1000;
    // Whoever subscribes again, or outlives an agent, has no more time for it.
    const deadline = Math.min(record.deadline ?? wanted, wanted);
    if (deadline !== record.deadline && executor.state !== 'new')
      putExecutor(this.agent.records.store, record, deadline);
    executor.state = 'terminating';
    executor.killed.abort();
    link?.send({ type: 'SHUTDOWN' });
    this.killAt(executor, deadline);
  }

  private killAt(executor: Executor, deadline: number): void {
    // One on its way looks at its state itself.
    this.alarms.set(executor, deadline, () => executor.container?.signal(SIGKILL));
  }

  shutdownExecutor(frameworkId: string, executorId: string): void {
    const executor = this.find(frameworkId, executorId);
    if (executor !== undefined) this.shutdown(executor);
  }

  shutdownFramework(frameworkId: string): void {
    for (const executor of this.known.values())
      if (executor.frameworkId === frameworkId) this.shutdown(executor);
  }

  shutdownAll(): void {
    for (const executor of this.known.values()) this.shutdown(executor, 0);
  }

  busy(): boolean {
    return this.known.size > 0;
  }

  message(frameworkId: string, executorId: string, data: Uint8Array): void {
    this.find(frameworkId, executorId)?.link?.send({ type: 'MESSAGE', message: { data } });
  }

  /** A subscription: the one before it is void. `call`: undefined of a client that leaves its body out. */
  subscribe(executor: Executor, link: ExecutorLink, call: ExecutorCallSubscribe | undefined): void {
    executor.link?.end();
    executor.link = link;
    executor.subscribed = true;
    const { record } = executor;
    const isFirst = record.registered !== true;
    record.registered = true;
    if (isFirst) putExecutor(this.agent.records.store, record);
    link.send(greeting(this.agent, executor));
    // One that was never taken is said again, or never will be.
    for (const { status } of call?.unacknowledged_updates ?? [])
      if (isValid(status, executor.id)) this.update(executor, status);
    const silent = call === undefined && !isFirst;
    if (executor.recovered)
      this.unheard.drop(executor, silent ? undefined : (call?.unacknowledged_tasks ?? []));
    // It was begun for tasks that are dropped, and would wait for others for ever.
    const idle = executor.recovered && isFirst && executor.tasks.size === 0;
    executor.recovered = false;
    if (executor.state === 'terminating' || idle) {
      this.shutdown(executor);
      return;
    }
    executor.state = 'running';
    this.alarms.clear(executor);
    for (const task of executor.tasks) if (task.kill !== undefined) this.kill(task);
    deliver(this.agent, executor);
  }

  disconnected(executor: Executor, link: ExecutorLink): void {
    if (executor.link !== link) return;
    executor.link = undefined;
    if (!this.closed && executor.state === 'running')
      this.awaitSubscription(executor, this.agent.config.executorRecovery);
  }

  /** What an executor says of a task. It is acknowledged once it is kept; what was heard before only again. False: too many wait for the framework. */
  update(executor: Executor, status: TaskStatus): boolean {
    const { uuid } = status;
    const acknowledge = () => {
      if (uuid !== undefined)
        executor.link?.send({ type: 'ACKNOWLEDGED', acknowledged: { task_id: status.task_id, uuid } });
    };
    const task = this.agent.tasks.get(taskKey(executor.frameworkId, status.task_id.value));
    const mine = task?.runner === this && task.executorId === executor.id;
    if (task === undefined || !mine || task.ended || isKnown(task, uuid)) {
      this.agent.records.flushed(acknowledge);
      return true;
    }
    if (task.updates.length >= mostPending && !isTerminal(status.state)) return false;
    executor.delivered.add(task);
    const { agent_id: _, timestamp, ...said } = status;
    this.agent.updates.say(
      task,
      {
        ...said,
        ...(Number.isFinite(timestamp) && { timestamp }),
        source: 'SOURCE_EXECUTOR',
        container_status: containerStatus(this.agent, executor, task, status),
      },
      acknowledge,
    );
    if (!task.ended) return true;
    executor.tasks.delete(task);
    executor.delivered.delete(task);
    this.fitting.fit(executor);
    return true;
  }

  say(executor: Executor, data: Uint8Array): void {
    this.agent.link.report({
      type: 'MESSAGE',
      message: { framework_id: { value: executor.frameworkId }, executor_id: { value: executor.id }, data },
    });
  }

  async recover(tasks: readonly Task[]): Promise<void> {
    for (const record of recoveredExecutors(this.agent.records.store, ({ type }) => type !== 'DEFAULT')) {
      const executor = new Executor(record);
      executor.state = 'registering';
      executor.recovered = true;
      this.known.set(executor.key, executor);
    }
    for (const task of tasks) {
      const executor = this.of(task);
      executor?.tasks.add(task);
      executor?.delivered.add(task);
      if (executor === undefined) this.dropped(task);
    }
    await Promise.all([...this.known.values()].map((executor) => this.recoverExecutor(executor)));
  }

  /** The time of those that were there before the agent begins when they can be heard. */
  listening(): void {
    for (const executor of this.known.values())
      if (executor.recovered && executor.state === 'registering')
        this.awaitSubscription(executor, this.agent.config.executorReregistration);
  }

  close(): void {
    this.closed = true;
    this.alarms.close();
    this.unheard.close();
    for (const { link } of this.known.values()) link?.end();
  }

  private of(task: Task): Executor | undefined {
    const executor = this.find(task.frameworkId, task.executorId);
    return executor?.containerId === task.containerId ? executor : undefined;
  }

  private async start(executor: Executor, first: Task): Promise<void> {
    try {
      const container = await launchExecutor(this.agent, executor, first);
      // Whatever came of it is for the next one to find.
      if (this.closed) return;
      if (container === undefined) this.gone(executor, undefined);
      else this.watch(executor, container);
    } catch (error) {
      if (!(error instanceof BerthError)) this.agent.defect(error);
      if (this.closed) return;
      const why = error instanceof Error ? error.message : String(error);
      for (const task of executor.tasks)
        this.agent.updates.say(task, {
          state: task.kill?.state ?? 'TASK_FAILED',
          source: 'SOURCE_AGENT',
          reason: 'REASON_CONTAINER_LAUNCH_FAILED',
          message: `Failed to launch its executor: ${why}`,
        });
      this.gone(executor, undefined);
    }
  }

  private watch(executor: Executor, container: LiveContainer): void {
    executor.container = container;
    if (executor.state === 'terminating') container.signal(SIGKILL);
    // Its program may have been quicker than the news of its launch.
    if (executor.state === 'launching') {
      executor.state = 'registering';
      this.awaitSubscription(executor, this.agent.config.executorRegistration);
    }
    this.fitting.fit(executor);
    container.ended.then(
      (exit) => {
        if (!this.closed) this.ended(executor, exit);
      },
      (error) => {
        this.agent.defect(error);
        const again = () => void this.recoverExecutor(executor).catch((cause) => this.agent.defect(cause));
        this.alarms.set(executor, Date.now() + lookAgain, again);
      },
    );
  }

  private awaitSubscription(executor: Executor, seconds: number): void {
    this.alarms.set(executor, Date.now() + seconds * 1000, () => {
      executor.why =
        executor.recovered || executor.subscribed
          ? 'REASON_EXECUTOR_REREGISTRATION_TIMEOUT'
          : 'REASON_EXECUTOR_REGISTRATION_TIMEOUT';
      executor.state = 'terminating';
      executor.container?.signal(SIGKILL);
    });
  }

  private dropped(task: Task): void {
    this.agent.updates.say(task, neverHeard(task));
  }

  private ended(executor: Executor, exit: ExitDocument): void {
    for (const task of executor.tasks) this.agent.updates.say(task, executorEnding(exit, executor, task));
    this.gone(executor, exit);
  }

  /** Nothing of it runs any more. */
  private gone(executor: Executor, exit: ExitDocument | undefined): void {
    const { agent } = this;
    executor.state = 'ended';
    executor.tasks.clear();
    this.alarms.clear(executor);
    executor.link?.end();
    this.known.delete(executor.key);
    deleteExecutor(agent.records.store, executor.record);
    agent.records.flushed(() => {
      try {
        retireContainer(agent, {
          agentId: agent.id ?? '',
          ...{
            frameworkId: executor.frameworkId,
            executorId: executor.id,
            containerId: executor.containerId,
          },
        });
      } catch (error) {
        agent.defect(error);
      }
      agent.leaveWhenQuiet();
    });
    agent.link.report({
      type: 'EXECUTOR_EXITED',
      executor_exited: {
        framework_id: { value: executor.frameworkId },
        executor_id: { value: executor.id },
        ...(exit !== undefined && { status: rawStatus(exit) }),
      },
    });
  }

  private async recoverExecutor(executor: Executor): Promise<void> {
    const { agent } = this;
    const found = await recoverContainer(agent, executor.containerId);
    if (found.kind === 'runs') {
      this.watch(executor, found.container);
      const { deadline } = executor.record;
      if (deadline !== undefined) {
        executor.state = 'terminating';
        this.killAt(executor, deadline);
      }
    } else if (found.kind === 'ended') this.ended(executor, found.exit);
    else {
      for (const task of executor.tasks)
        if (task.state === 'TASK_STAGING') this.dropped(task);
        else agent.updates.say(task, executorEnding(undefined, executor, task));
      this.gone(executor, undefined);
    }
  }
}
