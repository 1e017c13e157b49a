import { randomUUID } from 'node:crypto';
import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import type { SchedulerCallSubscribe, SchedulerCallUpdateFramework } from '../../mesos/messages.js';
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
  const { framework_info: info, suppressed_roles = [], offer_constraints: constraints } = call;
  const why = invalidFramework(info, suppressed_roles, constraints) ?? refusal(cluster, exchange, call);
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
  const { framework_info: info, suppressed_roles: suppressed = [], offer_constraints: constraints } = call;
  const why = invalidFramework(info, suppressed, constraints) ?? immutable(framework, info);
  if (why !== undefined) throw new HttpError(400, why);
  framework.info = { ...info, id: { value: framework.id } };
  framework.stored = { ...framework.stored, suppressed };
  framework.offerConstraints = constraints;
  const roles = new Set(rolesOf(info));
  for (const offer of [...framework.offers])
    if (!roles.has(offer.role)) dropOffer(cluster, offer, { rescind: true });
  refreshFramework(cluster, framework);
}

function refusal(cluster: Cluster, exchange: Exchange, { framework_info: info }: SchedulerCallSubscribe) {
  const { principal } = exchange.identity;
  if (principal !== undefined && info.principal !== undefined && info.principal !== principal)
    return `Authenticated principal '${principal}' differs from the framework's '${info.principal}'`;
  // One that is gone stays gone: clients come back with their old id when their stream ends.
  if (cluster.completedFrameworks.has(info.id?.value ?? '')) return 'Framework has been removed';
  return undefined;
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
