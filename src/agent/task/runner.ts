import type { ExecutorInfo, FrameworkInfo, TaskInfo } from '../../mesos/messages.js';
import type { Task } from './task.js';

/** Runs tasks of one kind. What it tells of them goes through `Agent.updates`. */
export interface TaskRunner {
  /** Whether tasks like this are its. */
  takes(info: TaskInfo): boolean;
  /** The id of the container in which it will run. */
  containerFor(info: TaskInfo, frameworkId: string): string;
  /** Called once for each task, while its record is on its way to the disk (`Agent.durable`). Reports its own failures. */
  launch(task: Task): void;
  /** `task.kill` is set, or has changed. */
  kill(task: Task): void;
  /** After a restart of the agent, also without tasks: takes up what is left of its tasks, of which none has ended. Resolves when the state of each is known. */
  recover(tasks: readonly Task[]): Promise<void>;

  /** The agent can be spoken to from now on. */
  listening?(): void;
  /** The executors that run, for a master that has not heard of them. */
  executors?(): { framework: FrameworkInfo; info: ExecutorInfo }[];
  /** What a framework says to an executor. */
  message?(frameworkId: string, executorId: string, data: Uint8Array): void;
  /** They end with all their tasks. */
  shutdownExecutor?(frameworkId: string, executorId: string): void;
  shutdownFramework?(frameworkId: string): void;
  shutdownAll?(): void;
  /** Whether it has containers beside those of tasks that have not ended. */
  busy?(): boolean;
}
