import type { DrainConfig, Resource, TaskInfo, TaskState, TaskStatus } from '../../mesos/messages.js';
import type { KillOrder } from '../task/kill-order.js';

/** What an agent knows of itself. */
export interface SelfRecord {
  format: 1;
  /** As the master gave it; unset: never registered. */
  id?: string;
  hostname: string;
  /** Of the boot in which it was last there. */
  boot_id: string;
  /** The total with reservations and volumes, once there are any. */
  resources?: Resource[];
  /** It is to drain. */
  drain?: DrainConfig;
  /** An operator has said that it never comes back: what it ran is to end, and nobody to be told. */
  leaving?: boolean;
  /** Where executors find it in plain HTTP, if not at its own address. */
  executor_port?: number;
}

/** What a task was asked to be. Written once. */
export interface TaskDocument {
  framework_id: string;
  info: TaskInfo;
  /** Of the container that was chosen for it; of an executor's, the executor's. */
  container_id: string;
  /** Set where it belongs to an executor. */
  executor_id?: string;
  /** Shared by those that were to be launched together. */
  group?: string;
  boot_id: string;
}

/** What has become of a task. */
export interface TaskProgress {
  /** The latest. */
  state: TaskState;
  kill?: KillOrder;
  /** Of the last updates of its executor that were acknowledged, in hexadecimal: it may say one again. */
  acknowledged?: string[];
}

/** An update that nobody has acknowledged. Written once. */
export interface UpdateDocument {
  /** Counts up within a task. */
  number: number;
  status: TaskStatus;
}
