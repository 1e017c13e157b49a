import type { Identity } from '../../http/authentication.js';
import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import type { SchedulerCall, SchedulerCallReconcileOperations } from '../../mesos/messages.js';
import type { Cluster } from '../cluster.js';
import { removeFramework } from '../frameworks.js';
import { answerInverseOffers } from '../inverse-offers.js';
import { executorKey } from '../model/agent.js';
import type { Framework } from '../model/framework.js';
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

/** What each call does. REQUEST is a hint that this allocator has no use for; of operations nothing waits for an acknowledgement. */
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

/** Operations take effect when they are accepted: one that can be asked after has come to its end. */
function reconcileOperations(
  cluster: Cluster,
  framework: Framework,
  { operations = [] }: SchedulerCallReconcileOperations,
): void {
  for (const { operation_id, agent_id } of operations) {
    const state = cluster.agents.get(agent_id?.value ?? '')?.stored.state;
    const known =
      state === 'unreachable'
        ? 'OPERATION_UNREACHABLE'
        : state === 'gone'
          ? 'OPERATION_GONE_BY_OPERATOR'
          : state === 'recovered'
            ? 'OPERATION_RECOVERING'
            : 'OPERATION_UNKNOWN';
    cluster.send(framework, {
      type: 'UPDATE_OPERATION_STATUS',
      update_operation_status: { status: operationStatus(operation_id, known) },
    });
  }
}
