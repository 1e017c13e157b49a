import type { TaskState, TaskStatusReason } from '../../mesos/messages.js';
import { nanoseconds } from '../clock.js';
import type { Cluster } from '../cluster.js';
import type { Agent, AgentState } from '../model/agent.js';
import type { TaskRecord } from '../model/task-record.js';
import { dropOffer } from '../offers.js';
import { lose } from '../operations.js';
import { abandon, endTask, free, masterStatus, removeTask, sendStatus, setState } from '../tasks.js';

/** Nobody hears of it any more. Its tasks may still run, and come back with it. */
export function markUnreachable(cluster: Cluster, agent: Agent, why: string): void {
  if (agent.stored.state === 'unreachable' || agent.stored.state === 'gone') return;
  cluster.metrics.count('master/slave_unreachable_completed');
  const since = nanoseconds();
  takeAway(cluster, agent, 'unreachable', since);
  const message = `Agent ${agent.info.hostname} is unreachable: ${why}`;
  for (const record of [...agent.tasks.values()]) loseSight(cluster, record, since, message);
  cluster.saveAgent(agent);
}

/** It never comes back: an operator said so, or the agent itself. */
export function markGone(cluster: Cluster, agent: Agent, state: 'gone' | 'left'): void {
  if (agent.stored.state === 'gone') return;
  agent.link?.send({ type: 'SHUTDOWN' });
  takeAway(cluster, agent, 'gone', nanoseconds());
  const [end, reason]: [TaskState, TaskStatusReason] =
    state === 'gone'
      ? ['TASK_GONE_BY_OPERATOR', 'REASON_AGENT_REMOVED_BY_OPERATOR']
      : ['TASK_GONE', 'REASON_AGENT_REMOVED'];
  for (const record of [...agent.tasks.values()]) {
    record.unreachableSince = undefined;
    endTask(cluster, record, end, `Agent ${agent.info.hostname} is gone`, reason);
  }
  if (state === 'left') {
    cluster.agents.delete(agent.id);
    cluster.store.delete('agent', agent.id);
  } else cluster.saveAgent(agent);
}

/** Without an agent there is nothing to offer, nothing allocated, and nobody to talk to. */
function takeAway(cluster: Cluster, agent: Agent, state: AgentState, since: number): void {
  const present = agent.stored.state === 'registered';
  const { link } = agent;
  agent.link = undefined;
  agent.stored = { ...agent.stored, state, since };
  if (state === 'gone') link?.end();
  else link?.destroy();
  for (const offer of [...agent.offers]) dropOffer(cluster, offer, { rescind: true });
  for (const executor of agent.executors.values())
    cluster.allocator.release(executor.frameworkId, executor.role, agent.id, executor.resources);
  agent.executors.clear();
  for (const record of agent.tasks.values()) free(cluster, record);
  cluster.allocator.removeAgent(agent.id);
  if (state === 'gone') lose(cluster, agent);
  if (!present) return;
  for (const framework of cluster.frameworks.values())
    cluster.send(framework, { type: 'FAILURE', failure: { agent_id: { value: agent.id } } });
  cluster.tell({ type: 'AGENT_REMOVED', agent_removed: { agent_id: { value: agent.id } } });
}

function loseSight(cluster: Cluster, record: TaskRecord, since: number, message: string): void {
  const framework = cluster.frameworks.get(record.frameworkId);
  if (framework === undefined || record.abandoned) return;
  if (!record.sent && !record.ended) {
    endTask(cluster, record, 'TASK_DROPPED', message, 'REASON_AGENT_REMOVED');
    return;
  }
  if (record.ended) {
    // What the agent has said is true, and the framework may not have heard it yet.
    if (record.pending === undefined) removeTask(cluster, record);
    return;
  }
  record.unreachableSince = since;
  record.pending = undefined;
  const aware = framework.can('PARTITION_AWARE');
  const state = aware ? 'TASK_UNREACHABLE' : 'TASK_LOST';
  const status = {
    ...masterStatus(record.task, state, message, 'REASON_AGENT_REMOVED'),
    unreachable_time: { nanoseconds: since },
  };
  setState(cluster, record, state, status);
  sendStatus(cluster, framework, status);
  // For the framework a lost task has ended: it must not come back to it, and is killed if it does.
  if (!aware) abandon(cluster, framework, record);
}
