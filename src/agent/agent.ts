import { availableParallelism } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { newId } from '../containerizer/container/names.js';
import { sweepShared } from '../containerizer/container/shared-sweep.js';
import { TrashRemoval } from '../containerizer/container/trash-removal.js';
import type { LiveCertificates } from '../http/live-certificates.js';
import type {
  Attribute,
  DrainConfig,
  FrameworkInfo,
  NetworkInfo,
  Resource,
  TaskInfo,
  TaskStatus,
} from '../mesos/messages.js';
import { currentBootId } from '../state/live-process.js';
import type { Roots } from '../state/roots.js';
import type { Store } from '../state/store/store.js';
import type { AgentConfig } from './config.js';
import { networkInfosOf } from './container/addresses.js';
import { Connections } from './executor/connections.js';
import type { ExecutorDoors } from './executor/doors.js';
import { ExecutorRunner } from './executor/executor-runner.js';
import { Fetcher } from './fetcher/fetcher.js';
import { GroupRunner } from './group/group-runner.js';
import type { Applied } from './master/applied.js';
import { MasterLink } from './master/link.js';
import { handleOrder } from './master/orders.js';
import { refuseOrder } from './master/refusal.js';
import { subscriptionReports } from './master/subscription.js';
import { NestedContainers } from './nested/nested-containers.js';
import { Records } from './records/records.js';
import type { SandboxPlace } from './sandbox/place.js';
import { CommandRunner } from './task/command-runner.js';
import { type KillOrder, uptimeAt } from './task/kill-order.js';
import type { TaskRunner } from './task/runner.js';
import { lostAs } from './task/states.js';
import { Task, taskKey } from './task/task.js';
import { Turns } from './task/turns.js';
import { Updates } from './updates/updates.js';
import { PersistentVolumes } from './volumes/persistent-volumes.js';

/** Told of what happens to tasks; nothing may be thrown. */
export interface TaskWatcher {
  added?(task: Task): void;
  /** A new state, which is on the disk. */
  updated?(task: Task, status: TaskStatus): void;
  /** Its end is acknowledged, and nothing is kept of it but the sandbox. */
  forgotten?(task: Task): void;
}

export interface AgentParts {
  roots: Roots;
  store: Store;
  certificates: LiveCertificates;
  note(text: string): void;
  /** Told of what no order can be blamed for. */
  defect(error: unknown): void;
  /** The agent has left the cluster for good: its process has nothing more to do. */
  left(): void;
}

/** All that an agent knows, and what things happen through. */
export class Agent {
  /** As the master gave it. */
  id: string | undefined;
  /** By `taskKey`, until their end is acknowledged. */
  readonly tasks = new Map<string, Task>();
  /** Those that have tasks. */
  readonly frameworks = new Map<string, FrameworkInfo>();
  readonly watchers = new Set<TaskWatcher>();
  readonly records: Records;
  readonly updates: Updates;
  readonly link: MasterLink;
  readonly volumes: PersistentVolumes;
  readonly fetcher: Fetcher;
  readonly trash: TrashRemoval;
  /** Launching takes a processor, and a thread that waits: more at once would only be slower. */
  readonly launches = new Turns(2 * availableParallelism());
  readonly commands = new CommandRunner(this);
  readonly executors = new ExecutorRunner(this);
  readonly groups = new GroupRunner(this);
  readonly nested = new NestedContainers(this);
  /** Who takes a task is asked in this order. */
  readonly runners: TaskRunner[] = [this.commands, this.executors, this.groups];
  /** The total with reservations and volumes, once there are any. */
  checkpointed: Resource[] | undefined;
  /** Operations of which the master may not know yet that they are done; by uuid. */
  readonly applied = new Map<string, Applied>();
  drain: DrainConfig | undefined;
  /** It leaves the cluster for good, as soon as nothing runs. */
  leaving = false;
  /** It has left. */
  private quiet = false;
  /** It has ended; what it watched is for the next one. */
  closed = false;
  /** Of its own API, HOST:PORT. */
  endpoint: string;
  readonly doors: ExecutorDoors = {};
  readonly executorConnections = new Connections();

  constructor(
    readonly config: AgentConfig,
    /** What it offers. */
    readonly resources: Resource[],
    readonly attributes: Attribute[],
    readonly parts: AgentParts,
  ) {
    this.endpoint = `${config.host}:${config.port}`;
    this.records = new Records(parts.store);
    this.fetcher = new Fetcher(path.join(config.folder, 'fetcher'));
    this.volumes = new PersistentVolumes(config.folder, parts.defect);
    this.trash = new TrashRemoval(parts.defect);
    this.link = new MasterLink({
      config,
      certificates: parts.certificates,
      subscription: () => subscriptionReports(this),
      order: (order) => {
        try {
          handleOrder(this, order);
        } catch (error) {
          // Whoever sends it must not end all tasks' agent.
          this.defect(error);
        }
      },
      unreadable: (record, error) => refuseOrder(this, record, error),
      note: parts.note,
    });
    this.updates = new Updates(this.records, {
      retry: config.updateRetry,
      retryMost: config.updateRetryMost,
      agentId: () => this.id,
      report: (report) => this.link.report(report),
      told: (task, status) => {
        for (const watcher of this.watchers) watcher.updated?.(task, status);
        this.leaveWhenQuiet();
      },
      done: (task) => this.forget(task),
    });
  }

  get roots(): Roots {
    return this.parts.roots;
  }

  note(text: string): void {
    this.parts.note(text);
  }

  defect(error: unknown): void {
    this.parts.defect(error);
  }

  /** Resolves once all that was decided so far is on the disk. */
  durable(): Promise<void> {
    return new Promise((resolve) => this.records.flushed(resolve));
  }

  /** Takes a task on, beside others of its group. What becomes of it is told by updates alone. */
  run(framework: FrameworkInfo, info: TaskInfo, group?: string): void {
    const frameworkId = framework.id?.value ?? '';
    if (this.leaving || this.tasks.has(taskKey(frameworkId, info.task_id.value))) return;
    const runner = this.runners.find((each) => each.takes(info)) ?? this.commands;
    this.know(framework);
    const task = new Task(
      {
        framework_id: frameworkId,
        info,
        // What takes no tasks makes no executor for them.
        container_id: this.drain === undefined ? runner.containerFor(info, frameworkId) : newId(),
        ...(info.executor !== undefined && { executor_id: info.executor.executor_id.value }),
        ...(group !== undefined && { group }),
        boot_id: currentBootId(),
      },
      framework,
      runner,
    );
    this.add(task);
    this.records.putTask(task.key, task.document);
    this.records.putProgress(task.key, task.progress);
    if (this.drain !== undefined)
      this.updates.say(task, {
        state: lostAs(framework, 'TASK_DROPPED'),
        source: 'SOURCE_AGENT',
        reason: 'REASON_AGENT_DRAINING',
        message: 'The agent is draining',
      });
    else if (runner.takes(info)) runner.launch(task);
    else
      this.updates.say(task, {
        state: 'TASK_FAILED',
        source: 'SOURCE_AGENT',
        reason: 'REASON_CONTAINER_LAUNCH_FAILED',
        message: 'This agent does not run tasks of that kind',
      });
  }

  /** Has a task end. One that is to end already may be given less time, not more. */
  kill(
    task: Task,
    how: Partial<Omit<KillOrder, 'deadline'>> & { graceSeconds?: number | undefined } = {},
  ): void {
    if (task.ended) return;
    const { state = 'TASK_KILLED', reason, message } = how;
    const deadline = Date.now() + (how.graceSeconds ?? this.graceOf(task)) * 1000;
    const { kill } = task;
    task.kill =
      kill === undefined
        ? {
            state,
            deadline,
            ...uptimeAt(deadline),
            ...(reason !== undefined && { reason }),
            ...(message !== undefined && { message }),
          }
        : deadline < kill.deadline
          ? { ...kill, deadline, ...uptimeAt(deadline) }
          : kill;
    task.killed.abort();
    this.records.putProgress(task.key, task.progress);
    task.runner.kill(task);
  }

  /** What is known of a framework from now on. */
  know(framework: FrameworkInfo): void {
    const id = framework.id?.value ?? '';
    if (isDeepStrictEqual(this.frameworks.get(id), framework)) return;
    this.frameworks.set(id, framework);
    for (const task of this.tasksOf(id)) task.framework = framework;
    this.records.putFramework(id, framework);
  }

  add(task: Task): void {
    this.tasks.set(task.key, task);
    for (const watcher of this.watchers) watcher.added?.(task);
  }

  *tasksOf(frameworkId: string): Generator<Task> {
    for (const task of this.tasks.values()) if (task.frameworkId === frameworkId) yield task;
  }

  saveSelf(): void {
    this.records.putSelf({
      format: 1,
      ...(this.id !== undefined && { id: this.id }),
      hostname: this.config.hostname,
      boot_id: currentBootId(),
      ...(this.checkpointed !== undefined && { resources: this.checkpointed }),
      ...(this.drain !== undefined && { drain: this.drain }),
      ...(this.leaving && { leaving: true }),
      ...(this.doors.port !== undefined && { executor_port: this.doors.port }),
    });
  }

  /** Where its sandbox is. */
  placeOf(task: Task): SandboxPlace {
    const { frameworkId, executorId, containerId } = task;
    return { agentId: this.id ?? '', frameworkId, executorId, containerId };
  }

  /** Its networks as a status tells them. */
  networkInfosOf(task: Task): NetworkInfo[] {
    return networkInfosOf(this.roots, task.containerId, this.config.host);
  }

  /** Ends what it does. Tasks run on. */
  async close(): Promise<void> {
    this.closed = true;
    await this.link.close();
    this.updates.close();
    this.commands.close();
    this.executors.close();
    this.groups.close();
    await this.volumes.close();
    await this.trash.done();
    // Of a task that has ended, and that is not forgotten: nobody has acknowledged its end.
    sweepShared(this.roots);
  }

  /** Forgets its tasks once all have ended, and is done. */
  leaveWhenQuiet(): void {
    if (!this.leaving || this.quiet) return;
    if ([...this.tasks.values()].some((task) => !task.ended)) return;
    if (this.runners.some((runner) => runner.busy?.() === true)) return;
    this.quiet = true;
    for (const task of [...this.tasks.values()]) {
      this.updates.stop(task);
      this.forget(task);
    }
    // The next one is a new agent.
    this.records.putSelf({ format: 1, hostname: this.config.hostname, boot_id: currentBootId() });
    this.records.flushed(() => this.parts.left());
  }

  private graceOf({ info }: Task): number {
    const given = info.kill_policy?.grace_period?.nanoseconds;
    return given === undefined ? this.config.killGrace : given / 1e9;
  }

  private forget(task: Task): void {
    this.tasks.delete(task.key);
    this.records.deleteTask(task.key, task.updates);
    if (this.tasksOf(task.frameworkId).next().done === true) {
      this.frameworks.delete(task.frameworkId);
      this.records.deleteFramework(task.frameworkId);
    }
    for (const watcher of this.watchers) watcher.forgotten?.(task);
    // What all containers share goes with the last; for each of many that would be dear.
    if (this.tasks.size === 0) sweepShared(this.roots);
  }
}
