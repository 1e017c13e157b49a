import type { OfferOperation, OperationID, OperationState, OperationStatus } from '../../mesos/messages.js';
import { reservationsOf } from '../../mesos/resources/identity.js';
import type { Cluster } from '../cluster.js';
import { type Conversion, conversionOf } from '../conversions.js';
import type { Agent } from '../model/agent.js';
import { addOperation, isNamed, tell } from '../operations.js';
import type { Acceptance } from './accept.js';

/** A reservation, or an operation on volumes, on offered resources. The rest of the same call can use what it makes. */
export function applyOperation(cluster: Cluster, acceptance: Acceptance, operation: OfferOperation): void {
  const { framework, agent, role, left } = acceptance;
  const { id } = operation;
  const conversion =
    id !== undefined && isNamed(cluster, framework, id.value)
      ? `Operation '${id.value}' is there already`
      : (foreignRole(operation, role) ?? conversionOf(operation));
  const why =
    typeof conversion === 'string'
      ? conversion
      : left.contains(conversion.consumed)
        ? undefined
        : `Operation needs ${conversion.consumed}, and ${left} is offered`;
  if (why !== undefined || typeof conversion === 'string') {
    cluster.metrics.count('master/operations/error');
    if (id !== undefined) tell(cluster, framework, operationStatus(id, 'OPERATION_ERROR', why));
    return;
  }
  left.subtract(conversion.consumed).add(conversion.made);
  cluster.allocator.convert(framework.id, role, agent.id, conversion.consumed, conversion.made);
  convertTotal(cluster, agent, conversion);
  // What becomes of it is told when the agent has done it.
  addOperation(cluster, agent, operation, conversion, framework);
}

/** Why a reservation cannot be made: what is offered to a role is reserved for that role, or others would have its volumes. */
function foreignRole({ type, reserve }: OfferOperation, role: string): string | undefined {
  if (type !== 'RESERVE') return undefined;
  // What they were reserved for before stays so.
  const before = (reserve?.source ?? []).flatMap(reservationsOf).map((each) => each.role);
  const chains = (reserve?.resources ?? []).map((each) => reservationsOf(each).map(({ role }) => role));
  const innermost = chains.flatMap((roles) => roles.slice(-1));
  const above = reserve?.source?.length ? chains.flat().filter((each) => !before.includes(each)) : [];
  const other = [...innermost, ...above].find((each) => each !== role);
  return other && `The resources are offered to role '${role}', and cannot be reserved for role '${other}'`;
}

/** The agent's total has reservations and volumes from now on that it did not come with. */
export function convertTotal(cluster: Cluster, agent: Agent, { consumed, made }: Conversion): void {
  agent.total = agent.total.clone().subtract(consumed).add(made);
  agent.stored = { ...agent.stored, resources: agent.total.toList() };
  cluster.saveAgent(agent);
  cluster.allocator.setTotal(agent.id, agent.total);
}

/** Without a uuid: the master does not wait for an acknowledgement. */
export function operationStatus(id: OperationID, state: OperationState, message?: string): OperationStatus {
  return { operation_id: id, state, ...(message !== undefined && { message }) };
}
