import { containerIds } from '../../containerizer/container/catalogue.js';
import type { AgentResponseGetContainersContainer } from '../../mesos/messages.js';
import type { ApiContext } from './context.js';

/** The containers of this agent's tasks that run, with `standalone` those of nobody in the cluster, which `berth run` began or this API, and with `nested` those below others. */
export async function containersOf(
  { agent, containers, statistics: board }: ApiContext,
  { standalone, nested }: { standalone: boolean; nested: boolean },
): Promise<AgentResponseGetContainersContainer[]> {
  const owners = new Map([...agent.tasks.values()].map((task) => [task.containerId, task]));
  const names = agent.nested.names();
  const wanted = (id: string) => (names.has(id) ? nested : standalone || owners.has(id));
  const ids = standalone ? containerIds(agent.roots) : [...owners.keys(), ...(nested ? names.keys() : [])];
  const running = await containers.running(ids.filter(wanted));
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
