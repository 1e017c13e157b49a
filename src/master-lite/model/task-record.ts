import { storedReader } from '../../mesos/json-read.js';
import { messageWriter } from '../../mesos/json-write.js';
import type { KillPolicy, Task, TaskState, TaskStatus } from '../../mesos/messages.js';
import { Resources } from '../../mesos/resources/resources.js';
import { messageType } from '../../mesos/schema.js';

const terminal: ReadonlySet<TaskState> = new Set<TaskState>([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
]);

export const isTerminal = (state: TaskState): boolean => terminal.has(state);

/** What the store keeps of a task. */
export interface StoredTask {
  /** As messageWriter has it: JSON alone knows no bytes. */
  task: unknown;
  role: string;
}

/** A task as the master knows it. */
export class TaskRecord {
  readonly resources: Resources;
  /** The agent has been told to run it, or has told of it. */
  sent = false;
  /** Its resources count as allocated. */
  counted = false;
  /** Forwarded to the framework and not acknowledged yet. */
  pending: TaskStatus | undefined;
  /** A kill that the agent has yet to hear of. */
  kill: { policy: KillPolicy | undefined } | undefined;
  /** The framework has been told its end, or is gone: what the agent still says of it is for the master alone. */
  abandoned = false;
  /** Since when its agent is not there to ask: nanoseconds since the epoch. */
  unreachableSince: number | undefined;

  constructor(
    readonly task: Task,
    /** The role that its resources are allocated to. */
    readonly role: string,
  ) {
    this.resources = Resources.of(task.resources ?? []);
  }

  static restored({ task, role }: StoredTask): TaskRecord {
    return new TaskRecord(storedReader(messageType('mesos.v1.Task'))(task, '') as Task, role);
  }

  get id(): string {
    return this.task.task_id.value;
  }

  get frameworkId(): string {
    return this.task.framework_id.value;
  }

  get agentId(): string {
    return this.task.agent_id.value;
  }

  get key(): string {
    return `${this.frameworkId}/${this.id}`;
  }

  get ended(): boolean {
    return isTerminal(this.task.state);
  }

  get stored(): StoredTask {
    return { task: messageWriter(messageType('mesos.v1.Task'))(this.task), role: this.role };
  }

  /** Takes a status in: the last one of each state is kept. */
  note(status: TaskStatus): void {
    const { data: _, ...kept } = status;
    const statuses = (this.task.statuses ?? []).filter((each) => each.state !== status.state);
    this.task.statuses = [...statuses, kept];
  }
}
