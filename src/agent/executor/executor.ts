import type { ExecutorEvent } from '../../mesos/messages.js';
import type { LiveContainer } from '../container/live-container.js';
import type { Task } from '../task/task.js';
import { type ExecutorRecord, keyOf } from './record.js';

/** The agent's end of an executor's subscription. */
export interface ExecutorLink {
  send(event: ExecutorEvent): void;
  /** Ends it after what was sent. */
  end(): void;
}

/**
 * new: nothing is begun. launching: its container is on its way. registering: its program runs, and has not subscribed yet. running: it has. terminating: it is to end. ended: it has.
 */
export type ExecutorState = 'new' | 'launching' | 'registering' | 'running' | 'terminating' | 'ended';

/** A custom executor: a program in a container of its own that runs tasks of one framework as it likes. */
export class Executor {
  state: ExecutorState = 'new';
  link: ExecutorLink | undefined;
  container: LiveContainer | undefined;
  /** Tells who waits for something before its program runs. */
  readonly killed = new AbortController();
  /** Of a default one: resolves once its container runs. */
  holder: Promise<void> | undefined;
  /** Not ended yet. */
  readonly tasks = new Set<Task>();
  /** It was told to launch them. */
  readonly delivered = new Set<Task>();
  /** It has, once, since this agent began; the stream may have been cut meanwhile. */
  subscribed = false;
  /** It was there before the agent, and has not been heard of since. */
  recovered = false;
  /** Why it is made to end; its tasks are told so. */
  why: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT' | 'REASON_EXECUTOR_REREGISTRATION_TIMEOUT' | undefined;

  constructor(readonly record: ExecutorRecord) {}

  get id(): string {
    return this.record.info.executor_id.value;
  }

  get frameworkId(): string {
    return this.record.framework.id?.value ?? '';
  }

  get key(): string {
    return keyOf(this.record);
  }

  get containerId(): string {
    return this.record.container_id;
  }

  /** Takes tasks. */
  get usable(): boolean {
    return this.state !== 'terminating' && this.state !== 'ended';
  }
}
