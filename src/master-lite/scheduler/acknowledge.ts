import type { SchedulerCallAcknowledge } from '../../mesos/messages.js';
import { settleDrain } from '../agents/drain.js';
import type { Cluster } from '../cluster.js';
import type { Framework } from '../model/framework.js';
import { isTerminal } from '../model/task-record.js';
import { removeTask, save } from '../tasks.js';

/**
 * The framework has heard an update. The agent is told once the state itself is durable: after it has forgotten an update, nobody could say it
 * again.
 */
export function acknowledge(cluster: Cluster, framework: Framework, call: SchedulerCallAcknowledge): void {
  const record = framework.tasks.get(call.task_id.value);
  const { pending } = record ?? {};
  if (record === undefined || pending?.uuid === undefined || record.agentId !== call.agent_id.value) return;
  if (Buffer.compare(pending.uuid, call.uuid) !== 0) return;
  const agent = cluster.agents.get(record.agentId);
  // Without a stream the acknowledgement would be lost: the update comes again.
  if (agent?.link === undefined) return;
  record.pending = undefined;
  cluster.metrics.count('master/status_update_acknowledgements');
  const { link } = agent;
  cluster.store.flushed(() => {
    link.send({
      type: 'ACKNOWLEDGE',
      acknowledge: { framework_id: record.task.framework_id, task_id: call.task_id, uuid: call.uuid },
    });
    if (isTerminal(pending.state)) {
      removeTask(cluster, record);
      settleDrain(cluster, agent);
    } else save(cluster, record);
  });
}
