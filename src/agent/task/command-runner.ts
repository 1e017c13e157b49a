import { constants } from 'node:os';
import type { ExitDocument } from '../../containerizer/container/document.js';
import { newId } from '../../containerizer/container/names.js';
import { BerthError } from '../../errors/berth-error.js';
import type { TaskInfo, TaskStatus } from '../../mesos/messages.js';
import { currentBootId } from '../../state/live-process.js';
import type { Agent } from '../agent.js';
import { checksOf, said } from '../checks/of-task.js';
import type { TaskChecks } from '../checks/task-checks.js';
import type { LiveContainer } from '../container/live-container.js';
import { lookAgain, recoverContainer } from '../recovery/recover-container.js';
import { retireContainer } from '../sandbox/retire.js';
import { Alarms } from './alarms.js';
import { launchCommand } from './command-launch.js';
import { endingOf } from './ending.js';
import type { TaskRunner } from './runner.js';
import { hasCapability, lostAs } from './states.js';
import type { Task } from './task.js';

const { SIGKILL, SIGTERM } = constants.signals;

/** Runs tasks that are one command each, in a container of their own. There is no executor: the agent itself watches them. */
export class CommandRunner implements TaskRunner {
  protected readonly containers = new Map<Task, LiveContainer>();
  private readonly kills = new Alarms<Task>();
  private readonly completions = new Alarms<Task>();
  private readonly checks = new Map<Task, TaskChecks>();

  /** This agent has ended; what ends from now on is for the next one to find. */
  protected closed = false;

  constructor(protected readonly agent: Agent) {}

  takes(info: TaskInfo): boolean {
    return info.executor === undefined;
  }

  containerFor(_info: TaskInfo, _frameworkId: string): string {
    return newId();
  }

  launch(task: Task): void {
    this.launchTask(task).catch((error) => this.agent.defect(error));
  }

  kill(task: Task): void {
    const container = this.containers.get(task);
    const { kill } = task;
    // What is being launched looks at `task.kill` itself.
    if (container === undefined || kill === undefined) return;
    if (task.state === 'TASK_RUNNING' && hasCapability(task.framework, 'TASK_KILLING_STATE'))
      this.agent.updates.say(task, {
        state: 'TASK_KILLING',
        source: 'SOURCE_EXECUTOR',
        ...said(this.checks.get(task)),
      });
    // What they find from now on is of its end.
    this.checks.get(task)?.stop();
    container.signal(SIGTERM);
    this.kills.set(task, kill.deadline, () => container.signal(SIGKILL));
  }

  async recover(tasks: readonly Task[]): Promise<void> {
    await Promise.all(tasks.map((task) => this.recoverTask(task)));
  }

  /** The container of a task, while it runs. */
  containerOf(task: Task): LiveContainer | undefined {
    return this.containers.get(task);
  }

  /** Containers of tasks whose end an agent has told, and that was killed before it removed them. */
  discardEnded(): void {
    for (const task of this.agent.tasks.values()) if (task.ended && task.runner === this) this.discard(task);
  }

  close(): void {
    this.closed = true;
    this.kills.close();
    this.completions.close();
    for (const checks of this.checks.values()) checks.stop();
  }

  private async launchTask(task: Task): Promise<void> {
    if (this.killedBefore(task)) return;
    this.agent.updates.say(task, { state: 'TASK_STARTING', source: 'SOURCE_EXECUTOR' });
    let container: LiveContainer | undefined;
    try {
      container = await launchCommand(this.agent, task);
    } catch (error) {
      if (!(error instanceof BerthError)) this.agent.defect(error);
      if (this.closed || this.killedBefore(task)) return;
      this.agent.updates.say(task, {
        state: 'TASK_FAILED',
        source: 'SOURCE_AGENT',
        reason: 'REASON_CONTAINER_LAUNCH_FAILED',
        message: `Failed to launch container: ${error instanceof Error ? error.message : String(error)}`,
      });
      return;
    }
    // What goes wrong from now on befalls a task whose program runs.
    if (this.closed) return;
    if (container === undefined) this.killedBefore(task);
    else this.watch(task, container, true);
  }

  /** A task that was killed before its program ran says so. */
  protected killedBefore(task: Task): boolean {
    if (task.kill === undefined) return false;
    this.agent.updates.say(task, {
      state: 'TASK_KILLED',
      source: 'SOURCE_AGENT',
      reason: task.kill.reason ?? 'REASON_TASK_KILLED_DURING_LAUNCH',
      message: task.kill.message ?? 'Killed before it was launched',
    });
    return true;
  }

  protected watch(task: Task, container: LiveContainer, isNew: boolean): void {
    this.containers.set(task, container);
    // Before all else: whatever fails below, its end is told.
    container.ended.then(
      (exit) => {
        if (!this.closed) this.ended(task, exit);
      },
      (error) => this.lost(task, error),
    );
    const checks = checksOf(this.agent, task, container);
    if (checks !== undefined) this.checks.set(task, checks);
    if (isNew || task.state !== 'TASK_RUNNING') this.sayRunning(task, container);
    if (task.kill !== undefined) this.kill(task);
    const { max_completion_time } = task.info;
    if (max_completion_time !== undefined)
      this.completions.set(task, container.startedAt + max_completion_time.nanoseconds / 1e6, () =>
        this.agent.kill(task, {
          state: 'TASK_FAILED',
          reason: 'REASON_MAX_COMPLETION_TIME_REACHED',
          message: 'Task exceeded its max completion time',
          graceSeconds: 0,
        }),
      );
  }

  /** Nobody watches it any more, which says nothing of it: it is looked for as after a restart. */
  private lost(task: Task, error: unknown): void {
    if (this.closed) return;
    this.agent.defect(error);
    this.forgetContainer(task);
    const again = () => void this.recoverTask(task).catch((cause) => this.agent.defect(cause));
    this.kills.set(task, Date.now() + lookAgain, again);
  }

  private forgetContainer(task: Task): void {
    this.containers.delete(task);
    this.kills.clear(task);
    this.completions.clear(task);
    this.checks.get(task)?.stop();
    this.checks.delete(task);
  }

  protected sayRunning(task: Task, container: LiveContainer): void {
    if (task.state === 'TASK_KILLING') return;
    this.agent.updates.say(task, {
      state: 'TASK_RUNNING',
      source: 'SOURCE_EXECUTOR',
      container_status: this.statusOf(task, container),
      ...said(this.checks.get(task)),
    });
  }

  protected ended(task: Task, exit: ExitDocument): void {
    const checks = this.checks.get(task);
    this.forgetContainer(task);
    this.agent.updates.say(task, { ...endingOf(exit, task.kill), ...said(checks) }, () => this.discard(task));
  }

  /** Only once its end is on the disk: until then its own record of it is the only one. */
  private discard(task: Task): void {
    try {
      retireContainer(this.agent, this.agent.placeOf(task));
    } catch (error) {
      this.agent.defect(error);
    }
  }

  private async recoverTask(task: Task): Promise<void> {
    const { updates } = this.agent;
    const rebooted = task.document.boot_id !== currentBootId();
    const found = await recoverContainer(this.agent, task.containerId);
    if (found.kind === 'runs') {
      this.watch(task, found.container, false);
    } else if (found.kind === 'ended' && !rebooted) {
      this.ended(task, found.exit);
    } else if (
      found.kind !== 'damaged' &&
      (task.state === 'TASK_STAGING' || task.state === 'TASK_STARTING')
    ) {
      if (this.killedBefore(task)) return;
      updates.say(task, {
        state: lostAs(task.framework, 'TASK_DROPPED'),
        source: 'SOURCE_AGENT',
        reason: 'REASON_AGENT_RESTARTED',
        message: 'The agent was restarted while it launched the task',
      });
    } else {
      updates.say(
        task,
        {
          state: task.kill?.state ?? 'TASK_FAILED',
          source: 'SOURCE_AGENT',
          reason: 'REASON_EXECUTOR_TERMINATED',
          message: rebooted
            ? 'The host was restarted'
            : found.kind === 'damaged'
              ? 'The records of its container are damaged'
              : 'Its container is gone',
        },
        () => this.discard(task),
      );
    }
  }

  protected statusOf(task: Task, container: LiveContainer): NonNullable<TaskStatus['container_status']> {
    return {
      container_id: { value: container.id },
      executor_pid: container.pid,
      network_infos: this.agent.networkInfosOf(task),
    };
  }
}
