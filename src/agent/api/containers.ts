import { containerIds } from '../../containerizer/container/catalogue.js';
import { type InspectedTask, isUp } from '../../inspect/task-source.js';
import type { AgentResponseGetContainersContainer } from '../../mesos/messages.js';
import { hostTask } from '../inspection/host-tasks.js';
import type { ApiContext } from './context.js';

/** Containers whose records are read in one go. */
const slice = 20;

/** The containers of this agent's tasks that run, with `standalone` those of nobody in the cluster, which `berth run` began or this API, and with `nested` those below others. */
export async function containersOf(
  { agent, statistics: board }: ApiContext,
  { standalone, nested }: { standalone: boolean; nested: boolean },
): Promise<AgentResponseGetContainersContainer[]> {
  const owners = new Map([...agent.tasks.values()].map((task) => [task.containerId, task]));
  const names = agent.nested.names();
  const wanted = (id: string) => (names.has(id) ? nested : standalone || owners.has(id));
  const running: InspectedTask[] = [];
  const ids = standalone ? containerIds(agent.roots) : [...owners.keys(), ...(nested ? names.keys() : [])];
  for (const [index, id] of ids.entries()) {
    if (!wanted(id)) continue;
    const container = hostTask(agent.roots, id, (damage) => agent.defect(damage));
    if (container !== undefined && isUp(container)) running.push(container);
    // Their records are many files: others are answered meanwhile.
    if (index % slice === slice - 1) await new Promise(setImmediate);
  }
  const statistics = await board.of(running, (error) => agent.defect(error));
  return running.map((container, index) => {
    const task = owners.get(container.id);
    const name = names.get(container.id) ?? { value: container.id };
    return {
      container_id: name,
      ...(task !== undefined && {
        framework_id: { value: task.frameworkId },
        executor_id: { value: task.executorId },
        executor_name: task.info.executor?.name ?? `Command Executor (Task: ${task.id})`,
      }),
      container_status: {
        container_id: name,
        ...(container.pid !== null && { executor_pid: container.pid }),
        network_infos: [
          { ip_addresses: container.address ? [{ protocol: 'IPv4', ip_address: container.address }] : [] },
        ],
      },
      ...(statistics[index] !== undefined && { resource_statistics: statistics[index] }),
    };
  });
}
