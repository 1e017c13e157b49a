import { randomUUID } from 'node:crypto';
import type { Identity } from '../../http/authentication.js';
import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import type {
  FrameworkInfo,
  SchedulerCallSubscribe,
  SchedulerCallUpdateFramework,
} from '../../mesos/messages.js';
import { nanoseconds } from '../clock.js';
import type { Cluster } from '../cluster.js';
import { addFramework, connected, disconnected, failOver, refreshFramework } from '../frameworks.js';
import { Framework, rolesOf } from '../model/framework.js';
import { dropOffer } from '../offers.js';
import { SchedulerStream } from './stream.js';
import { invalidFramework } from './validate-framework.js';

/** Opens a scheduler's stream: a new framework, or a known one that comes back or moves. */
export function subscribe(cluster: Cluster, exchange: Exchange, call: SchedulerCallSubscribe): void {
  if (exchange.header('mesos-stream-id') !== undefined)
    throw new HttpError(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header");
  const codec = exchange.answerCodec;
  const streamId = randomUUID();
  const records = exchange.stream(
    { 'Content-Type': codec.contentType, 'Mesos-Stream-Id': streamId },
    cluster.config.streamLimit,
  );
  const stream = new SchedulerStream(streamId, records, codec, cluster.config.heartbeat);
  const { suppressed_roles = [], offer_constraints: constraints } = call;
  const info = owned(exchange.identity, call.framework_info);
  const why = invalidFramework(info, suppressed_roles, constraints) ?? refusal(cluster, exchange, info);
  if (why !== undefined) {
    stream.refuse(why);
    return;
  }
  const id = info.id?.value || cluster.newId('F');
  let framework = cluster.frameworks.get(id);
  const whole = { ...info, id: { value: id } };
  if (framework === undefined) {
    framework = new Framework(id, {
      info: whole,
      registered_time: nanoseconds(),
      suppressed: suppressed_roles,
    });
    addFramework(cluster, framework);
  } else {
    moveAway(cluster, framework);
    framework.stored = {
      ...framework.stored,
      reregistered_time: nanoseconds(),
      suppressed: suppressed_roles,
    };
    framework.info = whole;
  }
  framework.owner = exchange.identity;
  framework.offerConstraints = constraints;
  refreshFramework(cluster, framework);
  const subscribed = framework;
  subscribed.latestStream = streamId;
  // It may hold on to its id only once the id outlives this master.
  cluster.store.flushed(() => connected(cluster, subscribed, stream));
  records.onClose(() => disconnected(cluster, subscribed, stream));
}

export function updateFramework(
  cluster: Cluster,
  framework: Framework,
  call: SchedulerCallUpdateFramework,
): void {
  const { suppressed_roles: suppressed = [], offer_constraints: constraints } = call;
  const info = owned(framework.owner, call.framework_info);
  const why = invalidFramework(info, suppressed, constraints) ?? immutable(framework, info);
  const forbidden = forbiddenRole(cluster, framework.owner, info);
  if (forbidden !== undefined) throw new HttpError(403, forbidden);
  if (why !== undefined) throw new HttpError(400, why);
  framework.info = { ...info, id: { value: framework.id } };
  framework.stored = { ...framework.stored, suppressed };
  framework.offerConstraints = constraints;
  const roles = new Set(rolesOf(info));
  for (const offer of [...framework.offers])
    if (!roles.has(offer.role)) dropOffer(cluster, offer, { rescind: true });
  refreshFramework(cluster, framework);
}

function refusal(cluster: Cluster, { identity }: Exchange, info: FrameworkInfo): string | undefined {
  const { principal } = identity;
  if (principal !== undefined && info.principal !== undefined && info.principal !== principal)
    return `Authenticated principal '${principal}' differs from the framework's '${info.principal}'`;
  // One that is gone stays gone: clients come back with their old id when their stream ends.
  if (cluster.completedFrameworks.has(info.id?.value ?? '')) return 'Framework has been removed';
  const there = cluster.frameworks.get(info.id?.value ?? '');
  if (cluster.authorization.limited && principal !== undefined && there !== undefined) {
    const { principal: its } = there.info;
    if (its === undefined) return 'Framework is of root on the master’s host';
    if (its !== principal) return `Framework is of principal '${its}'`;
  }
  return forbiddenRole(cluster, identity, info);
}

/** A framework is somebody's, also where it does not say so: there may be permissions one day. */
function owned({ principal }: Identity, info: FrameworkInfo): FrameworkInfo {
  return principal === undefined ? info : { ...info, principal: info.principal ?? principal };
}

function forbiddenRole({ authorization }: Cluster, identity: Identity, info: FrameworkInfo) {
  const role = rolesOf(info).find((each) => !authorization.may(identity, 'register_frameworks', each));
  return role === undefined ? undefined : authorization.refusal(identity, 'register_frameworks', role);
}

function immutable(framework: Framework, info: Framework['info']): string | undefined {
  if (info.user !== framework.info.user) return "Updating 'FrameworkInfo.user' is unsupported";
  if ((info.checkpoint ?? false) !== (framework.info.checkpoint ?? false))
    return "Updating 'FrameworkInfo.checkpoint' is unsupported";
  if (info.principal !== framework.info.principal) return "Updating 'FrameworkInfo.principal' is unsupported";
  return undefined;
}

/** The scheduler that was there before learns that another has taken its place; its offers are nobody's. */
function moveAway(cluster: Cluster, framework: Framework): void {
  const { link } = framework;
  framework.link = undefined;
  cluster.allocator.setFrameworkActive(framework.id, false);
  for (const offer of [...framework.offers]) dropOffer(cluster, offer, { rescind: false });
  framework.inverseOffers.clear();
  if (link !== undefined) failOver(link);
}
