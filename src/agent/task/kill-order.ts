import type { TaskState, TaskStatusReason } from '../../mesos/messages.js';

/** Why and until when a task is to end. Kept: an agent that comes back goes on with it. */
export interface KillOrder {
  /** What it is to be told as. */
  state: TaskState;
  reason?: TaskStatusReason;
  message?: string;
  /** Milliseconds since 1970, after which it is not asked any more. */
  deadline: number;
}
