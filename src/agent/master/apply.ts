import type { OrderApply } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import { type Applied, appliedKey, deleteApplied, putApplied, reportOf } from './applied.js';

/** Does to the host what an operation has done to its resources, once, and says so. The master has kept it already. */
export function apply(agent: Agent, order: OrderApply): void {
  const key = appliedKey(order);
  agent.checkpointed = order.checkpointed_resources ?? [];
  agent.saveSelf();
  let applied = agent.applied.get(key);
  if (applied === undefined) {
    applied = { order, ...outcomeOf(agent, order) };
    agent.applied.set(key, applied);
    putApplied(agent.records.store, applied);
  }
  const done = applied;
  agent.records.flushed(() => agent.link.report(reportOf(done)));
}

function outcomeOf(agent: Agent, { operation }: OrderApply): Pick<Applied, 'state' | 'message'> {
  try {
    for (const volume of operation.create?.volumes ?? []) agent.volumes.create(volume);
    for (const volume of operation.destroy?.volumes ?? []) agent.volumes.destroy(volume);
    return { state: 'OPERATION_FINISHED' };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    agent.note(`operation ${operation.type}: ${message}`);
    return { state: 'OPERATION_FAILED', message };
  }
}

/** There is somebody new to hear what became of those that nobody has acknowledged. */
export function reportApplied({ applied, link }: Agent): void {
  for (const each of applied.values()) link.report(reportOf(each));
}

/** The master has it in its store. */
export function forgetApplied({ applied, records }: Agent, uuid: Uint8Array): void {
  const key = Buffer.from(uuid).toString('hex');
  if (applied.delete(key)) deleteApplied(records.store, key);
}
