import { HttpError } from '../../http/http-error.js';
import type { Report, ReportUpdate } from '../../mesos/messages.js';
import type { Cluster } from '../cluster.js';
import { type Agent, executorKey } from '../model/agent.js';
import { isTerminal } from '../model/task-record.js';
import { settle } from '../operations.js';
import { free, removeTask, save, sendStatus } from '../tasks.js';
import { settleDrain } from './drain.js';
import { markGone } from './loss.js';

/** What an agent tells after it has subscribed. Throws HttpError where it makes no sense. */
export function handleReport(cluster: Cluster, agent: Agent, report: Report): void {
  const handler = handlers[report.type ?? 'UNKNOWN'];
  if (handler === undefined) throw new HttpError(400, `Unexpected report ${report.type ?? ''}`);
  handler(cluster, agent, report);
}

type Handler = (cluster: Cluster, agent: Agent, report: Report) => void;

const handlers: Partial<Record<NonNullable<Report['type']>, Handler>> = {
  UPDATE: (cluster, agent, report) => update(cluster, agent, required(report.update, 'update')),
  MESSAGE(cluster, agent, report) {
    const { framework_id, executor_id, data } = required(report.message, 'message');
    const framework = cluster.frameworks.get(framework_id.value);
    if (framework === undefined) return;
    const agent_id = { value: agent.id };
    cluster.send(framework, { type: 'MESSAGE', message: { agent_id, executor_id, data } });
  },
  EXECUTOR_EXITED: (cluster, agent, report) =>
    executorExited(cluster, agent, required(report.executor_exited, 'executor_exited')),
  OPERATION: (cluster, agent, report) => settle(cluster, agent, required(report.operation, 'operation')),
  LEAVE: (cluster, agent) => markGone(cluster, agent, 'left'),
};

function update(
  cluster: Cluster,
  agent: Agent,
  { framework_id, status: given, latest_state }: ReportUpdate,
): void {
  const status = { ...given, agent_id: { value: agent.id } };
  const framework = cluster.frameworks.get(framework_id.value);
  const record = agent.tasks.get(`${framework_id.value}/${status.task_id.value}`);
  const acknowledge = () => {
    const { uuid } = status;
    if (uuid !== undefined)
      agent.link?.send({ type: 'ACKNOWLEDGE', acknowledge: { framework_id, task_id: status.task_id, uuid } });
  };
  cluster.metrics.count('master/status_updates');
  if (framework === undefined || record === undefined || record.abandoned) {
    // Nobody else waits to hear it: the agent need not say it again.
    if (record !== undefined && isTerminal(latest_state ?? status.state)) removeTask(cluster, record);
    acknowledge();
    settleDrain(cluster, agent);
    return;
  }
  const { task } = record;
  if (!record.ended) {
    task.state = latest_state ?? status.state;
    if (record.ended) {
      cluster.metrics.count(`master/tasks_${task.state.slice(5).toLowerCase()}`);
      free(cluster, record);
    }
  }
  task.status_update_state = status.state;
  task.status_update_uuid = status.uuid;
  record.note(status);
  record.pending = status.uuid === undefined ? undefined : status;
  save(cluster, record);
  sendStatus(cluster, framework, status);
  if (cluster.watchers.any)
    cluster.tell({ type: 'TASK_UPDATED', task_updated: { framework_id, status, state: task.state } });
  // Without a uuid there is nothing to acknowledge.
  if (status.uuid === undefined && isTerminal(status.state)) removeTask(cluster, record);
}

function executorExited(
  cluster: Cluster,
  agent: Agent,
  { framework_id, executor_id, status }: NonNullable<Report['executor_exited']>,
): void {
  const key = executorKey(framework_id.value, executor_id.value);
  const executor = agent.executors.get(key);
  if (executor === undefined) return;
  agent.executors.delete(key);
  cluster.allocator.release(executor.frameworkId, executor.role, agent.id, executor.resources);
  const framework = cluster.frameworks.get(framework_id.value);
  if (framework !== undefined)
    cluster.send(framework, {
      type: 'FAILURE',
      failure: { agent_id: { value: agent.id }, executor_id, ...(status !== undefined && { status }) },
    });
}

function required<T>(member: T | undefined, name: string): T {
  if (member === undefined) throw new HttpError(400, `Expecting '${name}' to be present`);
  return member;
}
