import type { ExecutorEvent, TaskStatus } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import type { Task } from '../task/task.js';
import type { Executor } from './executor.js';

/** The first that an executor hears. */
export function greeting(agent: Agent, { record, frameworkId, containerId }: Executor): ExecutorEvent {
  return {
    type: 'SUBSCRIBED',
    subscribed: {
      executor_info: { ...record.info, framework_id: { value: frameworkId } },
      framework_info: record.framework,
      agent_info: {
        hostname: agent.config.hostname,
        port: Number(agent.endpoint.split(':').at(-1)),
        ...(agent.id !== undefined && { id: { value: agent.id } }),
        resources: agent.resources,
        attributes: agent.attributes,
      },
      container_id: { value: containerId },
    },
  };
}

/** What an executor says of where a task is, and what it leaves out. */
export function containerStatus(
  agent: Agent,
  { containerId, container }: Executor,
  task: Task,
  { container_status: said }: TaskStatus,
): NonNullable<TaskStatus['container_status']> {
  return {
    ...said,
    container_id: said?.container_id ?? { value: containerId },
    ...(container !== undefined && { executor_pid: container.pid }),
    network_infos: said?.network_infos ?? agent.networkInfosOf(task),
  };
}

/** Has that update been heard before? */
export function isKnown(task: Task, uuid: Uint8Array | undefined): boolean {
  if (uuid === undefined) return false;
  if (task.acknowledged.includes(Buffer.from(uuid).toString('hex'))) return true;
  return task.updates.some(
    ({ status }) => status.uuid !== undefined && Buffer.compare(status.uuid, uuid) === 0,
  );
}
