import type { Agent } from '../agent.js';
import type { Task } from '../task/task.js';

/** Tasks that have ended are told of for a while. */
export const mostCompleted = 200;

/** What tasks there were: the agent forgets one as soon as its end is acknowledged. Lives as long as the agent's process. */
export class History {
  readonly completed: Task[] = [];
  private readonly counts = new Map<string, number>();

  constructor(agent: Agent) {
    agent.watchers.add({
      updated: (_, { state }) => {
        this.counts.set(state, (this.counts.get(state) ?? 0) + 1);
      },
      forgotten: (task) => {
        this.completed.push(task);
        if (this.completed.length > mostCompleted) this.completed.shift();
      },
    });
  }

  find(frameworkId: string, id: string): Task | undefined {
    return this.completed.findLast((task) => task.frameworkId === frameworkId && task.id === id);
  }

  /** How many updates to that state there were. */
  count(state: string): number {
    return this.counts.get(state) ?? 0;
  }
}
