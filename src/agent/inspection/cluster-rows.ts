import { type InspectionOptions, inspect } from '../../inspect/inspection.js';
import type { InspectionDocument } from '../../inspect/row.js';
import { type InspectedTask, isUp } from '../../inspect/task-source.js';
import type { Agent } from '../agent.js';
import type { Task } from '../task/task.js';
import { tasksOf } from './host-tasks.js';

export interface NodeInspection extends InspectionOptions {
  /** One task: by its id in the cluster, a beginning of it, its name, or its container; undefined: all. */
  task?: string;
}

/**
 * This node's part of the cluster's rows: its containers with the names that the cluster has for them, below the node itself. Those of no task of this agent keep their own.
 */
export async function inspectNode(agent: Agent, options: NodeInspection): Promise<InspectionDocument> {
  const { task: wanted, ...rest } = options;
  const all = clusterTasks(agent);
  const tasks = wanted === undefined ? all : all.filter((task) => isMeant(task, wanted));
  const document = await inspect(tasks, rest);
  const { hostname } = agent.config;
  const rows = document.rows.map((row) => ({
    ...row,
    node: hostname,
    ...(row.level === 'task' && { parent_id: agent.id ?? hostname }),
  }));
  return { ...document, rows };
}

function clusterTasks(agent: Agent): InspectedTask[] {
  const byContainer = new Map<string, Task[]>();
  for (const task of agent.tasks.values())
    if (!task.ended) byContainer.set(task.containerId, [...(byContainer.get(task.containerId) ?? []), task]);
  return tasksOf(agent.roots, (damage) => agent.defect(damage))
    .filter(isUp)
    .map((container) => {
      const [first, ...more] = byContainer.get(container.id) ?? [];
      // Several tasks of one executor share its container.
      if (first === undefined || more.length > 0) return container;
      return { ...container, id: first.id, name: first.info.name };
    });
}

function isMeant({ id, name }: InspectedTask, wanted: string): boolean {
  return id === wanted || name === wanted || (wanted !== '' && id.startsWith(wanted));
}
