import { randomBytes } from 'node:crypto';
import type { Report, TaskStatus } from '../../mesos/messages.js';
import type { Records } from '../records/records.js';
import { isTerminal } from '../task/states.js';
import type { Task } from '../task/task.js';

export interface UpdatesOptions {
  /** Seconds: the first pause before an update is said again, and the longest. */
  retry: number;
  retryMost: number;
  agentId(): string | undefined;
  /** Says it to the master if there is one; nothing is kept. */
  report(report: Report): void;
  /** The state of a task has changed: its update is on the disk. */
  told(task: Task, status: TaskStatus): void;
  /** The last update of a task is acknowledged. */
  done(task: Task): void;
}

/**
 * What tasks have become, on its way to the master: kept before it is sent, in order for each task, said again with growing pauses until it is
 * acknowledged.
 */
export class Updates {
  private readonly timers = new Map<Task, NodeJS.Timeout>();
  /** Said, and not on the disk yet. */
  private readonly fresh = new Set<TaskStatus>();

  constructor(
    private readonly records: Records,
    private readonly options: UpdatesOptions,
  ) {}

  /** Says a new state of a task. A task that has ended has nothing more to say. `kept`: called when it is on the disk. */
  say(
    task: Task,
    status: Omit<TaskStatus, 'task_id' | 'uuid' | 'timestamp'> &
      Pick<Partial<TaskStatus>, 'uuid' | 'timestamp'>,
    kept: () => void = () => {},
  ): void {
    if (task.ended) return;
    const agentId = this.options.agentId();
    const whole: TaskStatus = {
      task_id: task.info.task_id,
      ...(agentId !== undefined && { agent_id: { value: agentId } }),
      executor_id: { value: task.executorId },
      timestamp: Date.now() / 1000,
      uuid: randomBytes(16),
      ...status,
    };
    task.state = whole.state;
    task.latest = whole;
    task.updates.push(whole);
    this.fresh.add(whole);
    this.records.putProgress(task.key, task.progress);
    this.records.flushed(() => {
      this.fresh.delete(whole);
      kept();
      this.options.told(task, whole);
      if (task.updates[0] === whole) this.send(task, this.options.retry);
    });
  }

  /** Takes up what was kept of a task before a restart. */
  recover(task: Task): void {
    if (task.updates.length > 0) this.send(task, this.options.retry);
  }

  /** Says everything again that waits, of all tasks or those of one framework: there is somebody new to hear it. */
  resend(tasks: Iterable<Task>): void {
    for (const task of tasks) if (task.updates.length > 0) this.send(task, this.options.retry);
  }

  acknowledge(task: Task, uuid: Uint8Array): void {
    const [first] = task.updates;
    // Of an update that was said twice the second acknowledgement is of no use any more.
    if (first?.uuid === undefined || Buffer.compare(first.uuid, uuid) !== 0) return;
    this.stop(task);
    task.updates.shift();
    if (isTerminal(first.state)) {
      this.options.done(task);
      return;
    }
    this.records.putProgress(task.key, task.progress);
    if (task.updates.length > 0) this.send(task, this.options.retry);
  }

  /** Says nothing more of it. */
  stop(task: Task): void {
    clearTimeout(this.timers.get(task));
    this.timers.delete(task);
  }

  close(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private send(task: Task, pause: number): void {
    const [status] = task.updates;
    if (status === undefined || this.fresh.has(status)) return;
    this.stop(task);
    task.forwarded = status.state;
    this.options.report({
      type: 'UPDATE',
      update: { framework_id: { value: task.frameworkId }, status, latest_state: task.state },
    });
    const again = Math.min(pause * 2, this.options.retryMost);
    this.timers.set(
      task,
      setTimeout(() => this.send(task, again), pause * 1000),
    );
  }
}
