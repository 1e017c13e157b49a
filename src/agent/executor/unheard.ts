import type { TaskInfo } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import { Alarms } from '../task/alarms.js';
import type { Task } from '../task/task.js';
import { neverHeard } from './ending.js';
import type { Executor } from './executor.js';

/** Tasks that the agent before this one was to hand over, and may have been killed before it did. */
export class Unheard {
  private readonly alarms = new Alarms<Executor>();

  constructor(private readonly agent: Pick<Agent, 'updates' | 'config'>) {}

  /**
   * Drops those of an executor that has come back which it has not heard of.
   *
   * @param heard What it says it has heard of. Undefined: it says nothing about that, as some clients cannot; then it has as long as it had for its subscription to speak of each, and is
   * told to kill the rest, since it may run them all the same.
   */
  drop(executor: Executor, heard: readonly TaskInfo[] | undefined): void {
    const ids = new Set(heard?.map(({ task_id }) => task_id.value));
    // What has come since waits for the executor, and is not in doubt.
    const doubtful = [...executor.delivered].filter(({ id }) => !ids.has(id));
    if (heard === undefined) {
      const deadline = Date.now() + this.agent.config.executorReregistration * 1000;
      this.alarms.set(executor, deadline, () => {
        for (const { info } of this.dropStaging(executor, doubtful))
          executor.link?.send({ type: 'KILL', kill: { task_id: info.task_id } });
      });
    } else this.dropStaging(executor, doubtful);
  }

  close(): void {
    this.alarms.close();
  }

  private dropStaging(executor: Executor, tasks: Task[]): Task[] {
    const unheard = tasks.filter(({ state }) => state === 'TASK_STAGING');
    for (const task of unheard) {
      executor.tasks.delete(task);
      executor.delivered.delete(task);
      this.agent.updates.say(task, neverHeard(task));
    }
    return unheard;
  }
}
