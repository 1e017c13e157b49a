import { randomBytes } from 'node:crypto';
import type { OfferOperation, OperationState, OperationStatus, ReportOperation } from '../mesos/messages.js';
import type { Cluster } from './cluster.js';
import type { Conversion } from './conversions.js';
import type { Agent } from './model/agent.js';
import type { Framework } from './model/framework.js';
import { OperationRecord } from './model/operation-record.js';

/** Bytes of a uuid. */
const uuidLength = 16;
const newUuid = () => randomBytes(uuidLength).toString('hex');

/** An operation that the master has decided on: kept until its agent has done it, and until whoever named it has heard so. */
export function addOperation(
  cluster: Cluster,
  agent: Agent,
  operation: OfferOperation,
  { made }: Conversion,
  framework?: Framework,
): void {
  const number = 1 + ([...cluster.operations.values()].at(-1)?.number ?? 0);
  const record = new OperationRecord(newUuid(), number, agent.id, framework?.id, operation, made.toList());
  cluster.operations.set(record.uuid, record);
  save(cluster, record);
  const { link } = agent;
  const resources = agent.total.toList();
  // Once it outlives this master.
  cluster.store.flushed(() => {
    if (agent.link === link) order(agent, record, resources);
  });
}

/** Whether a framework has an operation of that name already. */
export function isNamed(cluster: Cluster, framework: Framework, id: string): boolean {
  return named(cluster, framework, id) !== undefined;
}

/** An agent is back: what it has not done, or not said that it has, it is told again, in order. */
export function orderAgain(cluster: Cluster, agent: Agent): void {
  for (const record of cluster.operations.values())
    if (record.agentId === agent.id && record.outcome === undefined)
      order(agent, record, agent.total.toList());
}

/** An agent has done one, or could not. It may forget it once this is in the store. */
export function settle(cluster: Cluster, agent: Agent, { status }: ReportOperation): void {
  cluster.metrics.count('master/operation_status_updates');
  const { uuid } = status;
  if (uuid === undefined) return;
  const record = cluster.operations.get(Buffer.from(uuid.value).toString('hex'));
  if (record?.agentId === agent.id && record.outcome === undefined) {
    const { state, message } = status;
    cluster.metrics.count(`master/operations/${state.slice(10).toLowerCase()}`);
    record.outcome = { state, uuid: newUuid(), ...(message !== undefined && { message }) };
    if (record.id === undefined || record.frameworkId === undefined) forget(cluster, record);
    else {
      save(cluster, record);
      cluster.store.flushed(() => say(cluster, record, cluster.config.operationRetry));
    }
  }
  const { link } = agent;
  cluster.store.flushed(() => {
    if (agent.link === link) link?.send({ type: 'ACKNOWLEDGE_OPERATION', acknowledge_operation: { uuid } });
  });
}

/** A framework has heard what became of one. */
export function acknowledged(
  cluster: Cluster,
  framework: Framework,
  { operation_id, uuid }: { operation_id: { value: string }; uuid: Uint8Array },
): void {
  const record = named(cluster, framework, operation_id.value);
  if (record?.outcome?.uuid !== Buffer.from(uuid).toString('hex')) return;
  cluster.metrics.count('master/operation_status_update_acknowledgements');
  forget(cluster, record);
}

/** A framework is there, perhaps again: it hears all at once that it has not acknowledged. */
export function sayAll(cluster: Cluster, framework: Framework): void {
  for (const record of cluster.operations.values())
    if (record.frameworkId === framework.id) say(cluster, record, cluster.config.operationRetry);
}

/** Nobody waits any more for what became of a framework's operations; what its agent has not done is done all the same. */
export function disown(cluster: Cluster, framework: Framework): void {
  for (const record of [...cluster.operations.values()]) {
    if (record.frameworkId !== framework.id) continue;
    record.frameworkId = undefined;
    if (record.outcome !== undefined) forget(cluster, record);
    else save(cluster, record);
  }
}

/** An agent never comes back, and so do its operations. */
export function lose(cluster: Cluster, agent: Agent): void {
  for (const record of [...cluster.operations.values()]) {
    if (record.agentId !== agent.id) continue;
    forget(cluster, record);
    const framework = cluster.frameworks.get(record.frameworkId ?? '');
    if (record.operation.id === undefined || framework === undefined) continue;
    tell(cluster, framework, {
      operation_id: record.operation.id,
      state: 'OPERATION_GONE_BY_OPERATOR',
      message: 'Its agent never comes back',
      agent_id: { value: agent.id },
    });
  }
}

/** What is known of an operation that a framework asks after; undefined: nothing. Without a uuid: nobody waits for an acknowledgement of an answer. */
export function latestOf(cluster: Cluster, framework: Framework, id: string): OperationStatus | undefined {
  const record = named(cluster, framework, id);
  return record && answerOf(cluster, record);
}

/** The same of all operations of a framework. */
export function allLatest(cluster: Cluster, framework: Framework): OperationStatus[] {
  return [...cluster.operations.values()]
    .filter((record) => record.frameworkId === framework.id && record.id !== undefined)
    .map((record) => answerOf(cluster, record));
}

export function tell(cluster: Cluster, framework: Framework, status: OperationStatus): void {
  cluster.send(framework, { type: 'UPDATE_OPERATION_STATUS', update_operation_status: { status } });
}

function answerOf(cluster: Cluster, record: OperationRecord): OperationStatus {
  const { uuid: _, message: __, ...status } = record.status;
  return {
    ...status,
    state: pendingOn(cluster, record) ?? status.state,
    message: 'Reconciliation: Latest operation state',
  };
}

/** Of one that its agent has not done: why not, if it is away. */
function pendingOn(cluster: Cluster, { outcome, agentId }: OperationRecord): OperationState | undefined {
  if (outcome !== undefined) return undefined;
  const state = cluster.agents.get(agentId)?.stored.state;
  if (state === 'unreachable') return 'OPERATION_UNREACHABLE';
  return state === 'recovered' ? 'OPERATION_RECOVERING' : undefined;
}

function named(cluster: Cluster, framework: Framework, id: string): OperationRecord | undefined {
  for (const record of cluster.operations.values())
    if (record.id === id && record.frameworkId === framework.id) return record;
  return undefined;
}

function order(agent: Agent, record: OperationRecord, resources: ReturnType<Agent['total']['toList']>): void {
  agent.link?.send({
    type: 'APPLY',
    apply: {
      ...(record.frameworkId !== undefined && { framework_id: { value: record.frameworkId } }),
      operation: record.operation,
      uuid: { value: Buffer.from(record.uuid, 'hex') },
      checkpointed_resources: resources,
    },
  });
}

/** Says what became of it, and again after ever longer, until it is acknowledged. */
function say(cluster: Cluster, record: OperationRecord, seconds: number): void {
  clearTimeout(record.timer);
  if (record.outcome === undefined || cluster.ending || cluster.operations.get(record.uuid) !== record)
    return;
  const framework = cluster.frameworks.get(record.frameworkId ?? '');
  if (framework !== undefined) tell(cluster, framework, record.status);
  const again = Math.min(seconds * 2, cluster.config.operationRetryMost);
  record.timer = setTimeout(() => say(cluster, record, again), seconds * 1000).unref();
}

function save(cluster: Cluster, record: OperationRecord): void {
  cluster.store.put('operation', record.uuid, record.stored);
}

function forget(cluster: Cluster, record: OperationRecord): void {
  clearTimeout(record.timer);
  cluster.operations.delete(record.uuid);
  cluster.store.delete('operation', record.uuid);
}
