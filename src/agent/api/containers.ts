import { isUp } from '../../inspect/task-source.js';
import type { AgentResponseGetContainersContainer } from '../../mesos/messages.js';
import { tasksOf as containersOfHost } from '../inspection/host-tasks.js';
import type { ApiContext } from './context.js';
import { statisticsOf } from './statistics.js';

/** The containers of this agent's tasks that run, and with `standalone` those of nobody in the cluster: `berth run` began them, or this API. */
export async function containersOf(
  { agent }: ApiContext,
  { standalone }: { standalone: boolean; nested: boolean },
): Promise<AgentResponseGetContainersContainer[]> {
  const owners = new Map([...agent.tasks.values()].map((task) => [task.containerId, task]));
  const running = containersOfHost(agent.roots, (damage) => agent.defect(damage)).filter(
    (each) => isUp(each) && (standalone || owners.has(each.id)),
  );
  const statistics = await statisticsOf(running);
  return running.map((container, index) => {
    const task = owners.get(container.id);
    return {
      container_id: { value: container.id },
      ...(task !== undefined && {
        framework_id: { value: task.frameworkId },
        executor_id: { value: task.executorId },
        executor_name: task.info.executor?.name ?? `Command Executor (Task: ${task.id})`,
      }),
      container_status: {
        container_id: { value: container.id },
        ...(container.pid !== null && { executor_pid: container.pid }),
        network_infos: [
          { ip_addresses: container.address ? [{ protocol: 'IPv4', ip_address: container.address }] : [] },
        ],
      },
      ...(statistics[index] !== undefined && { resource_statistics: statistics[index] }),
    };
  });
}
