import type { ReportSubscribe, Task as TaskMessage } from '../../mesos/messages.js';
import { version } from '../../version.js';
import type { Agent } from '../agent.js';
import type { Task } from '../task/task.js';

/** What the agent is and all that it runs. */
export function subscriptionOf(agent: Agent): ReportSubscribe {
  const { config, id, checkpointed } = agent;
  const executors = agent.runners.flatMap((runner) => runner.executors?.() ?? []);
  // One may have no task left.
  const theirs = new Map(executors.map(({ framework }) => [framework.id?.value ?? '', framework]));
  return {
    agent_info: {
      hostname: config.hostname,
      port: config.port,
      resources: agent.resources,
      attributes: agent.attributes,
      ...(id !== undefined && { id: { value: id } }),
    },
    version,
    capabilities: [
      { type: 'MULTI_ROLE' },
      { type: 'HIERARCHICAL_ROLE' },
      { type: 'RESERVATION_REFINEMENT' },
      { type: 'AGENT_DRAINING' },
      { type: 'TASK_RESOURCE_LIMITS' },
    ],
    ...(checkpointed !== undefined && { checkpointed_resources: checkpointed }),
    tasks: [...agent.tasks.values()].map(taskMessage),
    executors: executors.map(({ framework, info }) => ({
      framework_id: framework.id ?? { value: '' },
      executor_info: info,
    })),
    frameworks: [...new Map([...theirs, ...agent.frameworks]).values()],
  };
}

/** A task as the API has it. */
export function taskMessage(task: Task): TaskMessage {
  const { info, latest, document } = task;
  const { labels, discovery, container, health_check, kill_policy, limits } = info;
  const waiting = task.updates[0]?.status;
  const user = info.command?.user ?? task.framework.user;
  return {
    name: info.name,
    task_id: info.task_id,
    framework_id: { value: task.frameworkId },
    agent_id: info.agent_id,
    state: task.state,
    resources: info.resources,
    ...(document.executor_id !== undefined && { executor_id: { value: document.executor_id } }),
    ...(latest !== undefined && { statuses: [latest] }),
    ...(task.forwarded !== undefined && { status_update_state: task.forwarded }),
    ...(waiting?.uuid !== undefined && { status_update_uuid: waiting.uuid }),
    ...(labels !== undefined && { labels }),
    ...(discovery !== undefined && { discovery }),
    ...(container !== undefined && { container }),
    ...(health_check !== undefined && { health_check }),
    ...(kill_policy !== undefined && { kill_policy }),
    ...(limits !== undefined && { limits }),
    user,
  };
}
