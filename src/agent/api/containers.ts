import { isUp } from '../../inspect/task-source.js';
import type { AgentResponseGetContainersContainer } from '../../mesos/messages.js';
import { tasksOf as containersOfHost } from '../inspection/host-tasks.js';
import type { ApiContext } from './context.js';
import { statisticsOf } from './statistics.js';

/** The containers of this agent's tasks that run, with `standalone` those of nobody in the cluster, which `berth run` began or this API, and with `nested` those below others. */
export async function containersOf(
  { agent }: ApiContext,
  { standalone, nested }: { standalone: boolean; nested: boolean },
): Promise<AgentResponseGetContainersContainer[]> {
  const owners = new Map([...agent.tasks.values()].map((task) => [task.containerId, task]));
  const running = containersOfHost(agent.roots, (damage) => agent.defect(damage)).filter(
    (each) =>
      isUp(each) &&
      (agent.nested.byContainer(each.id) === undefined ? standalone || owners.has(each.id) : nested),
  );
  const statistics = await statisticsOf(running);
  return running.map((container, index) => {
    const task = owners.get(container.id);
    const name = agent.nested.byContainer(container.id)?.record.name ?? { value: container.id };
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
