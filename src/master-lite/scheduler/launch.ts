import type {
  ExecutorInfo,
  OfferOperationLaunchGroup,
  Order,
  Resource,
  Task,
  TaskInfo,
} from '../../mesos/messages.js';
import { Resources } from '../../mesos/resources/resources.js';
import type { Cluster } from '../cluster.js';
import { sendInverseOffers } from '../inverse-offers.js';
import { executorKey } from '../model/agent.js';
import type { Framework } from '../model/framework.js';
import { TaskRecord } from '../model/task-record.js';
import { addTask, masterStatus, sendStatus } from '../tasks.js';
import type { Acceptance } from './accept.js';
import { sendKill } from './kill.js';
import { forbiddenUser } from './users.js';
import { invalidGroupExecutor, invalidTask } from './validate-task.js';

/** Launches one task of an accepted offer, or says why not. */
export function launch(cluster: Cluster, acceptance: Acceptance, given: TaskInfo): void {
  const { framework, agent, left } = acceptance;
  const why = invalidTask(framework, agent, given, left);
  if (why !== undefined) {
    sendStatus(cluster, framework, masterStatus(given, 'TASK_ERROR', why, 'REASON_TASK_INVALID'));
    return;
  }
  const forbidden = forbiddenUser(cluster, framework, [given, given.executor]);
  if (forbidden !== undefined) {
    sendStatus(cluster, framework, masterStatus(given, 'TASK_ERROR', forbidden, 'REASON_TASK_UNAUTHORIZED'));
    return;
  }
  const task = allocated(given, acceptance.role);
  if (task.executor !== undefined) useExecutor(cluster, acceptance, task.executor);
  const record = admit(cluster, acceptance, task, task.executor);
  deliver(cluster, acceptance, [record], () => ({
    type: 'RUN',
    run: { framework_info: framework.info, task },
  }));
}

/** All of a group's tasks, or none of them. */
export function launchGroup(
  cluster: Cluster,
  acceptance: Acceptance,
  { executor: given, task_group }: OfferOperationLaunchGroup,
): void {
  const { framework, agent, left, role } = acceptance;
  const tasks = task_group.tasks ?? [];
  const why =
    invalidGroupExecutor(framework, agent, given) ?? invalidGroup(acceptance, given, tasks, left.clone());
  const forbidden = forbiddenUser(cluster, framework, [given, ...tasks]);
  if (why !== undefined || forbidden !== undefined) {
    const reason = why === undefined ? 'REASON_TASK_GROUP_UNAUTHORIZED' : 'REASON_TASK_GROUP_INVALID';
    for (const task of tasks)
      sendStatus(cluster, framework, masterStatus(task, 'TASK_ERROR', why ?? forbidden ?? '', reason));
    return;
  }
  const executor: ExecutorInfo = {
    ...given,
    framework_id: { value: framework.id },
    resources: withRole(given.resources, role),
  };
  useExecutor(cluster, acceptance, executor);
  const all = tasks.map((task) => allocated(task, role));
  const records = all.map((task) => admit(cluster, acceptance, task, executor));
  deliver(cluster, acceptance, records, () => ({
    type: 'RUN_GROUP',
    run_group: { framework_info: framework.info, executor, task_group: { tasks: all } },
  }));
}

const mostInGroup = 100;

function invalidGroup(
  { framework, agent }: Acceptance,
  executor: ExecutorInfo,
  tasks: readonly TaskInfo[],
  left: Resources,
): string | undefined {
  if (tasks.length === 0) return 'Task group cannot be empty';
  // One order launches them all.
  if (tasks.length > mostInGroup) return `Task group has more than ${mostInGroup} tasks`;
  const ids = new Set(tasks.map((task) => task.task_id.value));
  if (ids.size !== tasks.length) return 'Task group has duplicate task IDs';
  if (!agent.executors.has(executorKey(framework.id, executor.executor_id.value))) {
    const wanted = Resources.of(executor.resources ?? []);
    if (!left.contains(wanted)) return `Executor uses more resources ${wanted} than available ${left}`;
    left.subtract(wanted);
  }
  for (const task of tasks) {
    const why = invalidTask(framework, agent, task, left, executor);
    if (why !== undefined) return `Task '${task.task_id.value}' is invalid: ${why}`;
    left.subtract(Resources.of(task.resources ?? []));
  }
  return undefined;
}

/** The first task of an executor brings the executor's own resources along. */
function useExecutor(
  cluster: Cluster,
  { framework, agent, role, left }: Acceptance,
  info: ExecutorInfo,
): void {
  const key = executorKey(framework.id, info.executor_id.value);
  if (agent.executors.has(key)) return;
  const resources = Resources.of(info.resources ?? []);
  left.subtract(resources);
  agent.executors.set(key, { frameworkId: framework.id, info, role, resources });
  cluster.metrics.count('master/executors');
}

function admit(
  cluster: Cluster,
  { framework, left, role }: Acceptance,
  task: TaskInfo,
  executor: ExecutorInfo | undefined,
): TaskRecord {
  const record = new TaskRecord(taskMessage(framework, task, executor), role);
  left.subtract(record.resources);
  // They were allocated as part of the offer.
  record.counted = true;
  addTask(cluster, framework, record);
  cluster.metrics.count('master/tasks_launched');
  return record;
}

/** The agent hears of tasks only once they outlive this master: a task that runs is never unknown. */
function deliver(
  cluster: Cluster,
  { framework, agent }: Acceptance,
  records: readonly TaskRecord[],
  order: () => Order,
): void {
  cluster.store.flushed(() => {
    const known = records.every((record) => framework.tasks.get(record.id) === record && !record.ended);
    if (!known || cluster.agents.get(agent.id) !== agent) return;
    // If nobody is there to hear it, the agent will come back without the task, and that is what is told then.
    for (const record of records) record.sent = true;
    agent.link?.send(order());
    // It has taken what is to be left soon, and knew so by its offer: it is asked to leave all the same.
    if (agent.unavailability !== undefined) sendInverseOffers(cluster, [framework]);
    for (const record of records) if (record.kill !== undefined) sendKill(cluster, record);
  });
}

function allocated(task: TaskInfo, role: string): TaskInfo {
  return {
    ...task,
    resources: withRole(task.resources, role),
    ...(task.executor !== undefined && {
      executor: { ...task.executor, resources: withRole(task.executor.resources, role) },
    }),
  };
}

/** In the refined form, and with the role that they are allocated to: clients leave either out. */
function withRole(resources: Resource[] | undefined, role: string): Resource[] {
  return Resources.of(resources ?? []).toList({ refined: true, allocatedTo: role });
}

function taskMessage(framework: Framework, info: TaskInfo, executor: ExecutorInfo | undefined): Task {
  const { name, task_id, agent_id, resources, labels, discovery, container, health_check } = info;
  return {
    name,
    task_id,
    framework_id: { value: framework.id },
    agent_id,
    state: 'TASK_STAGING',
    resources,
    statuses: [],
    user: info.command?.user ?? framework.info.user,
    ...(executor !== undefined && { executor_id: executor.executor_id }),
    ...(labels !== undefined && { labels }),
    ...(discovery !== undefined && { discovery }),
    ...(container !== undefined && { container }),
    ...(health_check !== undefined && { health_check }),
    ...(info.kill_policy !== undefined && { kill_policy: info.kill_policy }),
    ...(info.limits !== undefined && { limits: info.limits }),
  };
}
