import type { Report, ReportSubscribe, Task as TaskMessage, TaskStatus } from '../../mesos/messages.js';
import { version } from '../../version.js';
import type { Agent } from '../agent.js';
import type { Task } from '../task/task.js';

/** Tasks, executors and frameworks of one report, each: with the longest that a master takes of all of them it is still a record that is read. */
const mostOfEach = 16;

/** What the agent is and all that it runs, in as many reports as that takes. */
export function* subscriptionReports(agent: Agent): Generator<Report> {
  const { tasks = [], executors = [], frameworks = [], ...rest } = subscriptionOf(agent);
  const longest = Math.max(tasks.length, executors.length, frameworks.length);
  for (let from = 0; from === 0 || from < longest; from += mostOfEach) {
    const to = from + mostOfEach;
    const part = {
      tasks: tasks.slice(from, to),
      executors: executors.slice(from, to),
      frameworks: frameworks.slice(from, to),
      ...(to < longest && { more: true }),
    };
    yield from === 0 ? { type: 'SUBSCRIBE', subscribe: { ...rest, ...part } } : { type: 'PART', part };
  }
}

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
      { type: 'AGENT_OPERATION_FEEDBACK' },
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
  // Its data is the framework's alone, and comes with the update.
  const { data: _, ...last } = latest ?? {};
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
    ...(latest !== undefined && { statuses: [last as TaskStatus] }),
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
