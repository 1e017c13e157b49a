import type { SchedulerCallReconcile, TaskState, TaskStatus } from '../../mesos/messages.js';
import { seconds } from '../clock.js';
import type { Cluster } from '../cluster.js';
import type { Framework } from '../model/framework.js';
import type { TaskRecord } from '../model/task-record.js';
import { masterStatus, type Subject, sendStatus, stateFor } from '../tasks.js';

/** Tells a framework what its tasks are: those it asks after, or, when it names none, all that have not ended. */
export function reconcile(
  cluster: Cluster,
  framework: Framework,
  { tasks = [] }: SchedulerCallReconcile,
): void {
  if (tasks.length > 0) {
    for (const task of tasks) reconcileOne(cluster, framework, task);
    return;
  }
  for (const record of framework.tasks.values()) {
    const agent = cluster.agents.get(record.agentId);
    if (agent?.stored.state === 'registered' && agent.certain) sendStatus(cluster, framework, latest(record));
  }
}

export function reconcileOne(cluster: Cluster, framework: Framework, subject: Subject): void {
  const record = framework.tasks.get(subject.task_id.value);
  if (record !== undefined) {
    // The agent may know better, and will say so when it is back.
    if (cluster.agents.get(record.agentId)?.certain === false) return;
    sendStatus(cluster, framework, latest(record));
    return;
  }
  const state = stateOfUnknown(cluster, subject);
  if (state === undefined) return;
  const message = `Reconciliation: Task is unknown`;
  sendStatus(
    cluster,
    framework,
    masterStatus(subject, stateFor(framework, state), message, 'REASON_RECONCILIATION'),
  );
}

/** By what is known of the agent it should be on; undefined: it is too early to say. */
function stateOfUnknown(cluster: Cluster, { agent_id }: Subject): TaskState | undefined {
  if (agent_id === undefined) {
    for (const agent of cluster.agents.values()) if (agent.stored.state === 'recovered') return undefined;
    return 'TASK_UNKNOWN';
  }
  const agent = cluster.agents.get(agent_id.value);
  if (agent?.certain === false) return undefined;
  switch (agent?.stored.state) {
    case 'registered':
      return 'TASK_GONE';
    case 'recovered':
      return undefined;
    case 'unreachable':
      return 'TASK_UNREACHABLE';
    case 'gone':
      return 'TASK_GONE_BY_OPERATOR';
    case undefined:
      return 'TASK_UNKNOWN';
  }
}

/** The latest status, as the master's own: without a uuid, since nothing waits for its acknowledgement. */
function latest(record: TaskRecord): TaskStatus {
  const last: Partial<TaskStatus> = record.task.statuses?.at(-1) ?? {};
  const { uuid: _, data: __, ...kept } = last;
  return {
    ...kept,
    task_id: record.task.task_id,
    agent_id: record.task.agent_id,
    // What was forwarded last, not what the agent knows already: updates that are under way come in their order.
    state: record.task.status_update_state ?? record.task.state,
    source: 'SOURCE_MASTER',
    reason: 'REASON_RECONCILIATION',
    message: 'Reconciliation: Latest task state',
    timestamp: seconds(),
    ...(record.unreachableSince !== undefined && {
      unreachable_time: { nanoseconds: record.unreachableSince },
    }),
  };
}
