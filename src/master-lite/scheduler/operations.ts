import { randomUUID } from 'node:crypto';
import type { OfferOperation, OperationID, OperationState, OperationStatus } from '../../mesos/messages.js';
import type { Cluster } from '../cluster.js';
import { type Conversion, conversionOf } from '../conversions.js';
import type { Agent } from '../model/agent.js';
import type { Framework } from '../model/framework.js';
import type { Acceptance } from './accept.js';

/** A reservation, or an operation on volumes, on offered resources. The rest of the same call can use what it makes. */
export function applyOperation(cluster: Cluster, acceptance: Acceptance, operation: OfferOperation): void {
  const { framework, agent, role, left } = acceptance;
  const conversion = conversionOf(operation);
  const why =
    typeof conversion === 'string'
      ? conversion
      : left.contains(conversion.consumed)
        ? undefined
        : `Operation needs ${conversion.consumed}, and ${left} is offered`;
  if (why !== undefined || typeof conversion === 'string') {
    tell(cluster, framework, operation, 'OPERATION_ERROR', why);
    return;
  }
  left.subtract(conversion.consumed).add(conversion.made);
  cluster.allocator.convert(framework.id, role, agent.id, conversion.consumed, conversion.made);
  convertTotal(cluster, agent, conversion);
  order(cluster, agent, operation, framework);
  tell(cluster, framework, operation, 'OPERATION_FINISHED', undefined, conversion);
}

/** The agent's total has reservations and volumes from now on that it did not come with. */
export function convertTotal(cluster: Cluster, agent: Agent, { consumed, made }: Conversion): void {
  agent.total = agent.total.clone().subtract(consumed).add(made);
  agent.stored = { ...agent.stored, resources: agent.total.toList() };
  cluster.saveAgent(agent);
  cluster.allocator.setTotal(agent.id, agent.total);
}

/** The agent makes it so, once it outlives this master. */
export function order(
  cluster: Cluster,
  agent: Agent,
  operation: OfferOperation,
  framework?: Framework,
): void {
  const { link } = agent;
  const resources = agent.total.toList();
  cluster.store.flushed(() => {
    if (agent.link !== link) return;
    link?.send({
      type: 'APPLY',
      apply: {
        ...(framework !== undefined && { framework_id: { value: framework.id } }),
        operation,
        uuid: { value: Buffer.from(randomUUID().replaceAll('-', ''), 'hex') },
        checkpointed_resources: resources,
      },
    });
  });
}

/** Frameworks that have named their operation hear what became of it. */
function tell(
  cluster: Cluster,
  framework: Framework,
  { id }: OfferOperation,
  state: OperationState,
  message?: string,
  conversion?: Conversion,
): void {
  cluster.metrics.count(`master/operations/${state.slice(10).toLowerCase()}`);
  if (id === undefined) return;
  const status = operationStatus(id, state, message);
  const converted = conversion?.made.toList();
  cluster.store.flushed(() =>
    cluster.send(framework, {
      type: 'UPDATE_OPERATION_STATUS',
      update_operation_status: {
        status: { ...status, ...(converted !== undefined && { converted_resources: converted }) },
      },
    }),
  );
}

/** Without a uuid: the master does not wait for an acknowledgement. */
export function operationStatus(id: OperationID, state: OperationState, message?: string): OperationStatus {
  return { operation_id: id, state, ...(message !== undefined && { message }) };
}
