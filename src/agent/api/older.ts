import type { Attribute, Resource } from '../../mesos/messages.js';
import { amountOf } from '../../mesos/resources/amount.js';
import { amountText, Resources } from '../../mesos/resources/resources.js';
import { version } from '../../version.js';
import { subscriptionOf, taskMessage } from '../master/subscription.js';
import { sandboxFolder } from '../sandbox/place.js';
import type { Task } from '../task/task.js';
import type { ApiContext } from './context.js';
import { flagsOf } from './views.js';

// The forms of the older endpoints: ids are bare texts, agents are slaves, amounts are members of one object.

export function statePage(context: ApiContext) {
  const { agent, history, startTime } = context;
  const { agent_info, capabilities = [] } = subscriptionOf(agent);
  const total = agent.checkpointed ?? agent.resources;
  return {
    version,
    start_time: startTime,
    id: agent.id ?? '',
    pid: `slave(1)@${agent.endpoint}`,
    hostname: agent.config.hostname,
    capabilities: capabilities.map(({ type }) => type),
    resources: amounts(total),
    unreserved_resources: amounts(Resources.of(total).unreserved.toList()),
    attributes: Object.fromEntries(
      (agent_info.attributes ?? []).map((each) => [each.name, attributeText(each)]),
    ),
    master_hostname: agent.link.master === undefined ? '' : new URL(agent.link.master).hostname,
    flags: Object.fromEntries(flagsOf(context).map(({ name, value }) => [name, value])),
    frameworks: [...agent.frameworks].map(([id, info]) =>
      frameworkPage(context, id, info.name, [...agent.tasksOf(id)]),
    ),
    completed_frameworks: [...new Set(history.completed.map(({ frameworkId }) => frameworkId))]
      .filter((id) => !agent.frameworks.has(id))
      .map((id) => frameworkPage(context, id, '', [])),
  };
}

function frameworkPage(context: ApiContext, id: string, name: string, tasks: readonly Task[]) {
  const done = context.history.completed.filter(({ frameworkId }) => frameworkId === id);
  return {
    id,
    name: name === '' ? (done[0]?.framework.name ?? '') : name,
    executors: executorPages(context, tasks),
    completed_executors: executorPages(context, done),
  };
}

function executorPages(context: ApiContext, tasks: readonly Task[]) {
  const executors = new Map<string, Task[]>();
  for (const task of tasks) {
    const key = `${task.executorId}/${task.containerId}`;
    executors.set(key, [...(executors.get(key) ?? []), task]);
  }
  return [...executors.values()].map((its) => executorPage(context, its));
}

function executorPage({ agent }: ApiContext, tasks: readonly Task[]) {
  const [first] = tasks as readonly [Task, ...Task[]];
  const living = tasks.filter((task) => !task.ended && task.state !== 'TASK_STAGING');
  return {
    id: first.executorId,
    name: first.info.executor?.name ?? `Command Executor (Task: ${first.id})`,
    source: first.info.executor?.source ?? first.id,
    framework_id: first.frameworkId,
    container: first.containerId,
    directory: sandboxFolder(agent.config.sandboxes, agent.placeOf(first)),
    resources: amounts(living.flatMap(({ info }) => info.resources ?? [])),
    tasks: living.map(taskPage),
    queued_tasks: tasks.filter(({ state }) => state === 'TASK_STAGING').map(taskPage),
    completed_tasks: tasks.filter(({ ended }) => ended).map(taskPage),
  };
}

function taskPage(task: Task) {
  const { statuses = [], resources = [], labels, discovery, container } = taskMessage(task);
  return {
    id: task.id,
    name: task.info.name,
    framework_id: task.frameworkId,
    executor_id: task.document.executor_id ?? '',
    slave_id: task.info.agent_id.value,
    state: task.state,
    resources: amounts(resources),
    statuses: statuses.map(({ state, timestamp, container_status, healthy }) => ({
      state,
      timestamp,
      container_status,
      healthy,
    })),
    labels: labels?.labels,
    discovery,
    container,
  };
}

/** Scalars as numbers, always with these four; ranges as `[31000-31001]`. */
function amounts(resources: readonly Resource[]): Record<string, number | string> {
  const result: Record<string, number | string> = { disk: 0, mem: 0, gpus: 0, cpus: 0 };
  for (const resource of Resources.of([...resources]).toList()) {
    const amount = amountOf(resource);
    if (amount.kind === 'SCALAR')
      result[resource.name] = Number(result[resource.name] ?? 0) + amount.thousandths / 1000;
    else result[resource.name] = amountText(amount);
  }
  return result;
}

function attributeText({ scalar, text, ranges, set, type }: Attribute): string | number {
  if (type === 'SCALAR') return scalar?.value ?? 0;
  if (type === 'TEXT') return text?.value ?? '';
  return amountText(amountOf({ name: '', type, ranges, set }));
}
