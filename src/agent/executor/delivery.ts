import type { Agent } from '../agent.js';
import type { Task } from '../task/task.js';
import type { Executor } from './executor.js';

/** Hands over to an executor what it has not been told of yet, once that is on the disk. */
export function deliver({ records }: Pick<Agent, 'records'>, executor: Executor): void {
  records.flushed(() => {
    if (executor.link === undefined || executor.state !== 'running') return;
    for (const task of executor.tasks) {
      if (executor.delivered.has(task)) continue;
      const { group } = task.document;
      const together = group === undefined ? [task] : groupOf(executor, group);
      for (const each of together) executor.delivered.add(each);
      const tasks = together.map(({ info: { executor: _, ...info } }) => info);
      executor.link.send(
        group === undefined
          ? { type: 'LAUNCH', launch: { task: task.info } }
          : { type: 'LAUNCH_GROUP', launch_group: { task_group: { tasks } } },
      );
    }
  });
}

const groupOf = ({ tasks }: Executor, group: string): Task[] =>
  [...tasks].filter(({ document }) => document.group === group);
