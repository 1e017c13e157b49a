import type { KillPolicy, SchedulerCallKill } from '../../mesos/messages.js';
import type { Cluster } from '../cluster.js';
import type { Framework } from '../model/framework.js';
import type { TaskRecord } from '../model/task-record.js';
import { reconcileOne } from './reconcile.js';

/** Has a task ended. Of one that is not known the framework hears what a reconciliation would say. */
export function kill(cluster: Cluster, framework: Framework, call: SchedulerCallKill): void {
  const record = framework.tasks.get(call.task_id.value);
  const elsewhere = call.agent_id !== undefined && call.agent_id.value !== record?.agentId;
  if (record === undefined || elsewhere || record.unreachableSince !== undefined) {
    reconcileOne(cluster, framework, call);
    return;
  }
  killTask(cluster, record, call.kill_policy);
}

/** An agent that is away hears of it when it is back. */
export function killTask(cluster: Cluster, record: TaskRecord, policy: KillPolicy | undefined): void {
  record.kill = { policy };
  if (record.sent) sendKill(cluster, record);
}

export function sendKill(cluster: Cluster, record: TaskRecord): void {
  const policy = record.kill?.policy;
  cluster.agents.get(record.agentId)?.link?.send({
    type: 'KILL',
    kill: {
      framework_id: record.task.framework_id,
      task_id: record.task.task_id,
      ...(policy !== undefined && { kill_policy: policy }),
    },
  });
}
