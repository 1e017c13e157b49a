import type { ReportSubscribe, Task } from '../../mesos/messages.js';
import { Resources } from '../../mesos/resources/resources.js';
import { nanoseconds, seconds } from '../clock.js';
import type { Cluster } from '../cluster.js';
import { addFramework, awaitFailover } from '../frameworks.js';
import { type Agent, executorKey } from '../model/agent.js';
import { Framework } from '../model/framework.js';
import { TaskRecord } from '../model/task-record.js';
import { sendKill } from '../scheduler/kill.js';
import { addTask, count, endTask, save, sendStatus, setState } from '../tasks.js';

/** Frameworks that this master has not heard of: their tasks are there, and they themselves may come. */
export function recoverFrameworks(cluster: Cluster, { frameworks = [] }: ReportSubscribe): void {
  for (const info of frameworks) {
    const id = info.id?.value ?? '';
    if (id === '' || cluster.frameworks.has(id) || cluster.completedFrameworks.has(id)) continue;
    const framework = new Framework(id, { info, registered_time: nanoseconds(), suppressed: [] });
    framework.recovered = true;
    addFramework(cluster, framework);
    cluster.saveFramework(framework);
    awaitFailover(cluster, framework);
  }
}

export function adoptExecutors(cluster: Cluster, agent: Agent, { executors = [] }: ReportSubscribe): void {
  for (const { framework_id, executor_info: info } of executors) {
    const frameworkId = framework_id.value;
    const role = roleOf(info.resources) ?? cluster.frameworks.get(frameworkId)?.roles[0] ?? '*';
    const resources = Resources.of(info.resources ?? []);
    agent.executors.set(executorKey(frameworkId, info.executor_id.value), {
      frameworkId,
      info,
      role,
      resources,
    });
    cluster.allocator.allocate(frameworkId, role, agent.id, resources);
  }
}

/**
 * Brings what the master knows and what the agent has into line. The agent is right: what it does not have, it lost or never got, for orders of
 * its former connection are void.
 */
export function adoptTasks(cluster: Cluster, agent: Agent, { tasks = [] }: ReportSubscribe): void {
  const present = new Set<string>();
  for (const task of tasks) present.add(adopt(cluster, agent, task));
  for (const record of [...agent.tasks.values()]) {
    if (present.has(record.key) || (!record.sent && !record.abandoned)) {
      if (!record.sent) count(cluster, record);
      continue;
    }
    record.unreachableSince = undefined;
    endTask(cluster, record, 'TASK_DROPPED', 'The agent came back without the task', 'REASON_RECONCILIATION');
  }
}

function adopt(cluster: Cluster, agent: Agent, task: Task): string {
  const frameworkId = task.framework_id.value;
  const framework = cluster.frameworks.get(frameworkId);
  const key = `${frameworkId}/${task.task_id.value}`;
  const known = agent.tasks.get(key);
  if (framework === undefined) {
    // Of a framework that is gone: its tasks end, and until they have, they hold what they have.
    const orphan = known ?? new TaskRecord(task, roleOf(task.resources) ?? '*');
    orphan.abandoned = true;
    orphan.sent = true;
    agent.tasks.set(key, orphan);
    count(cluster, orphan);
    agent.link?.send({ type: 'SHUTDOWN_FRAMEWORK', shutdown_framework: { framework_id: task.framework_id } });
    return key;
  }
  if (known === undefined) {
    const record = new TaskRecord({ ...task, agent_id: { value: agent.id } }, roleOf(task.resources) ?? '*');
    record.sent = true;
    addTask(cluster, framework, record);
    if (!record.ended) count(cluster, record);
    return key;
  }
  known.sent = true;
  if (known.abandoned) {
    count(cluster, known);
    known.kill ??= { policy: known.task.kill_policy };
    sendKill(cluster, known);
    return key;
  }
  welcomeBack(cluster, known, task);
  if (known.kill !== undefined && !known.ended) sendKill(cluster, known);
  return key;
}

/** What the agent says of a task is taken over; updates that nobody has acknowledged will come by themselves. */
function welcomeBack(cluster: Cluster, record: TaskRecord, task: Task): void {
  const wasAway = record.unreachableSince !== undefined;
  record.unreachableSince = undefined;
  if (!record.ended) {
    record.task.state = task.state;
    record.task.status_update_state =
      task.status_update_state ?? (wasAway ? task.state : record.task.status_update_state);
    if (!record.ended) count(cluster, record);
    save(cluster, record);
  }
  const framework = cluster.frameworks.get(record.frameworkId);
  if (!wasAway || framework === undefined || record.ended) return;
  const last = task.statuses?.at(-1);
  const { uuid: _, ...kept } = last ?? { task_id: task.task_id, state: task.state };
  const status = {
    ...kept,
    task_id: task.task_id,
    agent_id: record.task.agent_id,
    state: task.state,
    source: 'SOURCE_MASTER',
    reason: 'REASON_AGENT_REREGISTERED',
    message: 'The agent is back',
    timestamp: seconds(),
  } as const;
  setState(cluster, record, task.state, status);
  sendStatus(cluster, framework, status);
}

/** The role resources are allocated to. */
function roleOf(resources: Task['resources']): string | undefined {
  return resources?.find(({ allocation_info }) => allocation_info?.role !== undefined)?.allocation_info?.role;
}
