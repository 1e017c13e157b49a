import { type InspectedTask, isUp } from '../../inspect/task-source.js';
import type { Agent } from '../agent.js';
import { hostTask } from '../inspection/host-tasks.js';

/** Containers whose records are read in one go: others are answered meanwhile. */
const slice = 20;

/** What the records say of the containers that run. Those of the agent's tasks are read once: it watches them, and knows when they end. */
export class KnownContainers {
  private readonly own = new Map<string, InspectedTask>();

  constructor(private readonly agent: Agent) {}

  /** Of these, those that run. */
  async running(ids: Iterable<string>): Promise<InspectedTask[]> {
    const owned = this.owned();
    for (const id of this.own.keys()) if (!owned.has(id)) this.own.delete(id);
    const found: InspectedTask[] = [];
    let read = 0;
    for (const id of ids) {
      const known = this.own.get(id);
      if (known !== undefined) {
        found.push(known);
        continue;
      }
      const container = hostTask(this.agent.roots, id, (damage) => this.agent.defect(damage));
      if (container !== undefined && isUp(container)) {
        found.push(container);
        if (owned.has(id)) this.own.set(id, container);
      }
      if (++read % slice === 0) await new Promise(setImmediate);
    }
    return found;
  }

  private owned(): Set<string> {
    const ids = new Set<string>();
    for (const task of this.agent.tasks.values()) if (!task.ended) ids.add(task.containerId);
    return ids;
  }
}
