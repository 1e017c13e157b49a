import { randomBytes } from 'node:crypto';
import type { Report, TaskStatus } from '../../mesos/messages.js';
import type { UpdateDocument } from '../records/documents.js';
import type { Records } from '../records/records.js';
import { isTerminal } from '../task/states.js';
import type { Task } from '../task/task.js';

/** Of one task, that wait for an acknowledgement: with more of them what lies between the one that was sent and the latest is passed over. */
export const mostPending = 100;
/** Acknowledged ones that are remembered of each task of an executor. */
const mostAcknowledged = 16;

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
 * acknowledged. Each is written once, and deleted when nobody waits for it any more.
 */
export class Updates {
  private readonly timers = new Map<Task, NodeJS.Timeout>();
  private closed = false;
  /** Said, and not on the disk yet. */
  private readonly fresh = new Set<UpdateDocument>();

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
    if (task.updates.length >= mostPending && !task.ended)
      for (const passed of task.updates.splice(1)) this.records.deleteUpdate(task.key, passed);
    const update = { number: (task.updates.at(-1)?.number ?? 0) + 1, status: whole };
    task.updates.push(update);
    this.fresh.add(update);
    this.records.putUpdate(task.key, update);
    this.records.putProgress(task.key, task.progress);
    this.records.flushed(() => {
      this.fresh.delete(update);
      kept();
      this.options.told(task, whole);
      if (task.updates[0] === update) this.send(task, this.options.retry);
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
    if (first?.status.uuid === undefined || Buffer.compare(first.status.uuid, uuid) !== 0) return;
    this.stop(task);
    task.updates.shift();
    this.records.deleteUpdate(task.key, first);
    if (isTerminal(first.status.state)) {
      this.options.done(task);
      return;
    }
    if (first.status.source === 'SOURCE_EXECUTOR' && task.document.executor_id !== undefined) {
      task.acknowledged.push(Buffer.from(uuid).toString('hex'));
      if (task.acknowledged.length > mostAcknowledged) task.acknowledged.shift();
      this.records.putProgress(task.key, task.progress);
    }
    if (task.updates.length > 0) this.send(task, this.options.retry);
  }

  /** Says nothing more of it. */
  stop(task: Task): void {
    clearTimeout(this.timers.get(task));
    this.timers.delete(task);
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private send(task: Task, pause: number): void {
    const [update] = task.updates;
    // What becomes durable while the agent ends is for the next one to say.
    if (this.closed || update === undefined || this.fresh.has(update)) return;
    const { status } = update;
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
