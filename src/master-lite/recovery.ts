import { awaitReturn } from './agents/liveness.js';
import type { Cluster } from './cluster.js';
import { addFramework, awaitFailover, remember } from './frameworks.js';
import type { StoredMaintenance } from './maintenance.js';
import { Agent, type StoredAgent } from './model/agent.js';
import { Framework, type StoredFramework } from './model/framework.js';
import { OperationRecord, type StoredOperation } from './model/operation-record.js';
import { type StoredTask, TaskRecord } from './model/task-record.js';

/** A quota as the store keeps it: thousandths by name. */
export interface StoredQuota {
  guarantees: Record<string, number>;
  limits: Record<string, number>;
}

/** Takes up what the master before this one left, however it ended. Agents and frameworks have their time to come back. */
export function recover(cluster: Cluster): void {
  const tables = new Map<string, [key: string, document: unknown][]>();
  for (const [name, document] of cluster.store.recovered()) {
    const [table = ''] = name.split('/', 1);
    const list = tables.get(table) ?? [];
    if (list.length === 0) tables.set(table, list);
    list.push([name.slice(table.length + 1), document]);
  }
  const of = (table: string) => tables.get(table) ?? [];
  for (const [role, weight] of of('weight')) setWeight(cluster, role, weight as number);
  for (const [role, quota] of of('quota')) {
    const { guarantees, limits } = quota as StoredQuota;
    cluster.allocator.setQuota(role, {
      guarantees: new Map(Object.entries(guarantees)),
      limits: new Map(Object.entries(limits)),
    });
  }
  for (const [, stored] of of('maintenance')) cluster.maintenance.restore(stored as StoredMaintenance);
  for (const [id, stored] of of('agent')) recoverAgent(cluster, id, stored as StoredAgent);
  for (const [id, stored] of of('framework')) recoverFramework(cluster, id, stored as StoredFramework);
  const operations = of('operation').map(([, stored]) => OperationRecord.restored(stored as StoredOperation));
  for (const record of operations.sort((a, b) => a.number - b.number))
    cluster.operations.set(record.uuid, record);
  for (const [, stored] of of('task')) recoverTask(cluster, stored as StoredTask);
}

export function setWeight(cluster: Cluster, role: string, weight: number): void {
  cluster.weights.set(role, weight);
  cluster.allocator.setWeight(role, weight);
}

function recoverAgent(cluster: Cluster, id: string, stored: StoredAgent): void {
  const state = stored.state === 'registered' ? 'recovered' : stored.state;
  const agent = new Agent(id, { ...stored, state });
  cluster.agents.set(id, agent);
  cluster.places.set(agent.place, agent);
  if (state === 'recovered') awaitReturn(cluster, agent, cluster.config.reregisterTimeout);
}

function recoverFramework(cluster: Cluster, id: string, stored: StoredFramework): void {
  const framework = Framework.restored(id, stored);
  if (stored.unregistered_time !== undefined) {
    remember(cluster, framework);
    return;
  }
  framework.recovered = true;
  addFramework(cluster, framework);
  awaitFailover(cluster, framework);
}

function recoverTask(cluster: Cluster, stored: StoredTask): void {
  const record = TaskRecord.restored(stored);
  record.sent = true;
  const framework = cluster.frameworks.get(record.frameworkId);
  const agent = cluster.agents.get(record.agentId);
  agent?.tasks.set(record.key, record);
  if (framework === undefined || record.task.state === 'TASK_LOST') record.abandoned = true;
  else framework.tasks.set(record.id, record);
  if (record.task.state === 'TASK_UNREACHABLE') record.unreachableSince = agent?.stored.since;
}
