import type { TaskState, TaskStatus, TaskStatusReason, TaskStatusSource } from '../mesos/messages.js';
import { seconds } from './clock.js';
import type { Cluster } from './cluster.js';
import type { Framework } from './model/framework.js';
import { isTerminal, type TaskRecord } from './model/task-record.js';

/** Who speaks of which task. */
export interface Subject {
  task_id: { value: string };
  agent_id?: { value: string } | undefined;
  executor_id?: { value: string } | undefined;
}

/** A status of the master's own: it has no uuid, so nobody acknowledges it. */
export function masterStatus(
  { task_id, agent_id, executor_id }: Subject,
  state: TaskState,
  message: string,
  reason?: TaskStatusReason,
): TaskStatus {
  const source: TaskStatusSource = 'SOURCE_MASTER';
  return {
    task_id,
    state,
    message,
    source,
    timestamp: seconds(),
    ...(reason !== undefined && { reason }),
    ...(agent_id !== undefined && { agent_id }),
    ...(executor_id !== undefined && { executor_id }),
  };
}

/** Frameworks that do not know of partitions hear LOST in place of the states that those bring. */
export function stateFor(framework: Framework, state: TaskState): TaskState {
  return framework.can('PARTITION_AWARE') ? state : 'TASK_LOST';
}

export function sendStatus(cluster: Cluster, framework: Framework, status: TaskStatus): void {
  cluster.metrics.count('master/status_updates_sent');
  cluster.send(framework, { type: 'UPDATE', update: { status } });
}

/** A task that is new to the master. */
export function addTask(cluster: Cluster, framework: Framework, record: TaskRecord): void {
  framework.tasks.set(record.id, record);
  cluster.agents.get(record.agentId)?.tasks.set(record.key, record);
  save(cluster, record);
  if (cluster.watchers.any) cluster.tell({ type: 'TASK_ADDED', task_added: { task: record.task } });
}

export function save(cluster: Cluster, record: TaskRecord): void {
  cluster.store.put('task', record.key, record.stored);
}

/** What a task is now. Once it has ended it holds nothing any more. */
export function setState(cluster: Cluster, record: TaskRecord, state: TaskState, status: TaskStatus): void {
  if (!record.ended && isTerminal(state))
    cluster.metrics.count(`master/tasks_${state.slice(5).toLowerCase()}`);
  record.task.state = state;
  record.task.status_update_state = state;
  record.note(status);
  if (record.ended) free(cluster, record);
  save(cluster, record);
  if (cluster.watchers.any)
    cluster.tell({
      type: 'TASK_UPDATED',
      task_updated: { framework_id: record.task.framework_id, status, state },
    });
}

/** Its resources count as allocated: it runs, though nobody was offered them just now. */
export function count(cluster: Cluster, record: TaskRecord): void {
  if (record.counted || !cluster.agents.has(record.agentId)) return;
  record.counted = true;
  cluster.allocator.allocate(record.frameworkId, record.role, record.agentId, record.resources);
}

export function free(cluster: Cluster, record: TaskRecord): void {
  if (!record.counted) return;
  record.counted = false;
  cluster.allocator.release(record.frameworkId, record.role, record.agentId, record.resources);
}

/** Nobody has to hear of it again. */
export function removeTask(cluster: Cluster, record: TaskRecord): void {
  free(cluster, record);
  const framework = cluster.frameworks.get(record.frameworkId);
  if (framework?.tasks.get(record.id) === record) complete(cluster, framework, record);
  cluster.agents.get(record.agentId)?.tasks.delete(record.key);
  cluster.store.delete('task', record.key);
}

/** The framework has heard the last of it; the agent may have more to say. */
export function complete(cluster: Cluster, framework: Framework, record: TaskRecord): void {
  framework.tasks.delete(record.id);
  framework.completed.push(record.task);
  if (framework.completed.length > cluster.config.mostCompletedTasks) framework.completed.shift();
}

/** The framework hears no more of it. It keeps its resources until the agent says that it has ended. */
export function abandon(cluster: Cluster, framework: Framework, record: TaskRecord): void {
  if (framework.tasks.get(record.id) === record) complete(cluster, framework, record);
  record.abandoned = true;
  record.pending = undefined;
}

/** A task of which the master alone can tell the end: the agent does not have it, or never comes back. */
export function endTask(
  cluster: Cluster,
  record: TaskRecord,
  state: TaskState,
  message: string,
  reason: TaskStatusReason,
): void {
  const framework = cluster.frameworks.get(record.frameworkId);
  if (framework !== undefined && !record.ended) {
    const told = stateFor(framework, state);
    const status = masterStatus(record.task, told, message, reason);
    setState(cluster, record, told, status);
    sendStatus(cluster, framework, status);
  }
  removeTask(cluster, record);
}
