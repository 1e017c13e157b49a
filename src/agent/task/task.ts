import type { FrameworkInfo, TaskInfo, TaskState, TaskStatus } from '../../mesos/messages.js';
import type { TaskDocument, TaskProgress, UpdateDocument } from '../records/documents.js';
import type { KillOrder } from './kill-order.js';
import type { TaskRunner } from './runner.js';
import { isTerminal } from './states.js';

/** How a task is known on this host. */
export const taskKey = (frameworkId: string, taskId: string) => `${frameworkId}/${taskId}`;

/** A task of this agent, from its order until its end is acknowledged. */
export class Task {
  state: TaskState = 'TASK_STAGING';
  /** Not acknowledged, in order. Only the first is on its way. */
  readonly updates: UpdateDocument[] = [];
  /** Of the last updates of its executor that were acknowledged, in hexadecimal. */
  readonly acknowledged: string[] = [];
  /** It is to end. */
  kill: KillOrder | undefined;
  /** Tells who waits for something before its program runs. */
  readonly killed = new AbortController();
  /** Of what was acknowledged or is on its way. */
  forwarded: TaskState | undefined;
  /** The last that was told of it, with what it says of container and health. */
  latest: TaskStatus | undefined;

  constructor(
    readonly document: TaskDocument,
    /** As it was last told. */
    public framework: FrameworkInfo,
    /** Who runs it. */
    readonly runner: TaskRunner,
  ) {}

  get info(): TaskInfo {
    return this.document.info;
  }

  get id(): string {
    return this.info.task_id.value;
  }

  get frameworkId(): string {
    return this.document.framework_id;
  }

  get containerId(): string {
    return this.document.container_id;
  }

  /** Of a command it is the task's own. */
  get executorId(): string {
    return this.document.executor_id ?? this.id;
  }

  get key(): string {
    return taskKey(this.frameworkId, this.id);
  }

  get ended(): boolean {
    return isTerminal(this.state);
  }

  get progress(): TaskProgress {
    return {
      state: this.state,
      ...(this.kill !== undefined && { kill: this.kill }),
      ...(this.acknowledged.length > 0 && { acknowledged: this.acknowledged }),
    };
  }
}
