import type { Identity } from '../../http/authentication.js';
import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import type {
  OperationState,
  SchedulerCall,
  SchedulerCallReconcileOperations,
} from '../../mesos/messages.js';
import type { Cluster } from '../cluster.js';
import { removeFramework } from '../frameworks.js';
import { answerInverseOffers } from '../inverse-offers.js';
import { executorKey } from '../model/agent.js';
import type { Framework } from '../model/framework.js';
import { acknowledged, allLatest, latestOf, tell } from '../operations.js';
import { accept, decline } from './accept.js';
import { acknowledge } from './acknowledge.js';
import { kill } from './kill.js';
import { operationStatus } from './operations.js';
import { reconcile } from './reconcile.js';
import { subscribe, updateFramework } from './subscribe.js';
import { validateCall } from './validate-call.js';

/** One call of the scheduler API. Refusals come in the order of the reference. */
export function schedulerCall(cluster: Cluster, exchange: Exchange): void {
  const call = exchange.decode('mesos.v1.scheduler.Call');
  validateCall(call);
  exchange.need('register_frameworks');
  cluster.metrics.count(`master/messages_${(call.type ?? 'UNKNOWN').toLowerCase()}`);
  if (call.subscribe !== undefined && call.type === 'SUBSCRIBE') {
    subscribe(cluster, exchange, call.subscribe);
    return;
  }
  const framework = cluster.frameworks.get(call.framework_id?.value ?? '');
  if (framework === undefined) throw new HttpError(400, 'Framework cannot be found');
  if (cluster.authorization.limited && !sameOwner(framework.owner, exchange.identity))
    throw new HttpError(403, `Framework is of principal '${framework.owner.principal}'`);
  if (framework.link === undefined) throw new HttpError(403, 'Framework is not subscribed');
  const streamId = exchange.header('mesos-stream-id');
  if (streamId === undefined)
    throw new HttpError(400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header");
  if (streamId !== framework.link.streamId)
    throw new HttpError(
      400,
      "The stream ID included in this request didn't match the stream ID currently associated with framework ID " +
        framework.id,
    );
  if (call.type === 'UPDATE_FRAMEWORK' && call.update_framework !== undefined) {
    updateFramework(cluster, framework, call.update_framework);
    exchange.done();
    return;
  }
  handlers[call.type ?? 'UNKNOWN']?.(cluster, framework, call);
  exchange.accepted();
}

/** Root on this host speaks for everybody. */
const sameOwner = (owner: Identity, { principal }: Identity) =>
  principal === undefined || principal === owner.principal;

type Handler = (cluster: Cluster, framework: Framework, call: SchedulerCall) => void;

/** What each call does. REQUEST is a hint that this allocator has no use for. */
const handlers: Partial<Record<NonNullable<SchedulerCall['type']>, Handler>> = {
  TEARDOWN: removeFramework,
  ACCEPT: (cluster, framework, call) => accept(cluster, framework, given(call.accept)),
  DECLINE: (cluster, framework, call) =>
    decline(cluster, framework, call.decline?.offer_ids ?? [], call.decline?.filters),
  ACCEPT_INVERSE_OFFERS: (cluster, framework, call) =>
    answerInverseOffers(cluster, framework, call.accept_inverse_offers?.inverse_offer_ids ?? [], 'ACCEPT'),
  DECLINE_INVERSE_OFFERS: (cluster, framework, call) =>
    answerInverseOffers(cluster, framework, call.decline_inverse_offers?.inverse_offer_ids ?? [], 'DECLINE'),
  REVIVE(cluster, framework, call) {
    cluster.allocator.revive(framework.id, call.revive?.roles);
    keepSuppressed(cluster, framework);
  },
  SUPPRESS(cluster, framework, call) {
    cluster.allocator.suppress(framework.id, call.suppress?.roles);
    keepSuppressed(cluster, framework);
  },
  KILL: (cluster, framework, call) => kill(cluster, framework, given(call.kill)),
  SHUTDOWN: (cluster, framework, call) => shutdown(cluster, framework, given(call.shutdown)),
  ACKNOWLEDGE: (cluster, framework, call) => acknowledge(cluster, framework, given(call.acknowledge)),
  ACKNOWLEDGE_OPERATION_STATUS: (cluster, framework, call) =>
    acknowledged(cluster, framework, given(call.acknowledge_operation_status)),
  RECONCILE: (cluster, framework, call) => reconcile(cluster, framework, given(call.reconcile)),
  MESSAGE: (cluster, framework, call) => message(cluster, framework, given(call.message)),
  RECONCILE_OPERATIONS: (cluster, framework, call) =>
    reconcileOperations(cluster, framework, given(call.reconcile_operations)),
};

/** A body that the validation has seen. */
function given<T>(body: T | undefined): T {
  if (body === undefined) throw new Error('a call without a body has passed');
  return body;
}

function keepSuppressed(cluster: Cluster, framework: Framework): void {
  framework.stored = { ...framework.stored, suppressed: cluster.allocator.suppressedRoles(framework.id) };
  cluster.saveFramework(framework);
}

function shutdown(
  cluster: Cluster,
  framework: Framework,
  { executor_id, agent_id }: NonNullable<SchedulerCall['shutdown']>,
): void {
  const agent = cluster.agents.get(agent_id.value);
  if (agent?.executors.has(executorKey(framework.id, executor_id.value)) === true)
    agent.link?.send({
      type: 'SHUTDOWN_EXECUTOR',
      shutdown_executor: { framework_id: { value: framework.id }, executor_id },
    });
}

function message(
  cluster: Cluster,
  framework: Framework,
  { agent_id, executor_id, data }: NonNullable<SchedulerCall['message']>,
): void {
  cluster.agents
    .get(agent_id.value)
    ?.link?.send({ type: 'MESSAGE', message: { framework_id: { value: framework.id }, executor_id, data } });
}

/** Those that a framework names, or, when it names none, all that wait for an acknowledgement. */
function reconcileOperations(
  cluster: Cluster,
  framework: Framework,
  { operations = [] }: SchedulerCallReconcileOperations,
): void {
  if (operations.length === 0)
    for (const status of allLatest(cluster, framework)) tell(cluster, framework, status);
  for (const { operation_id, agent_id } of operations)
    tell(
      ...([cluster, framework] as const),
      latestOf(cluster, framework, operation_id.value) ??
        operationStatus(operation_id, stateOfUnknown(cluster, agent_id?.value ?? '')),
    );
}

/** Of an operation that was acknowledged, or never was: by what is known of its agent. */
function stateOfUnknown(cluster: Cluster, agentId: string): OperationState {
  switch (cluster.agents.get(agentId)?.stored.state) {
    case 'unreachable':
      return 'OPERATION_UNREACHABLE';
    case 'gone':
      return 'OPERATION_GONE_BY_OPERATOR';
    case 'recovered':
      return 'OPERATION_RECOVERING';
    default:
      return 'OPERATION_UNKNOWN';
  }
}
