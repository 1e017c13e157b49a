import type { MasterResponseGetFrameworksFramework } from '../mesos/messages.js';
import { Resources } from '../mesos/resources/resources.js';
import { nanoseconds } from './clock.js';
import type { Cluster } from './cluster.js';
import { sendInverseOffers } from './inverse-offers.js';
import { longWait } from './long-wait.js';
import { type Framework, rolesOf, type SchedulerLink } from './model/framework.js';
import type { TaskRecord } from './model/task-record.js';
import { dropOffer, offerMessage } from './offers.js';
import { disown, sayAll } from './operations.js';
import { abandon, masterStatus, removeTask, save, sendStatus } from './tasks.js';

/** A framework that is new to the master. Its allocation begins when its stream is there. */
export function addFramework(cluster: Cluster, framework: Framework): void {
  cluster.frameworks.set(framework.id, framework);
  cluster.allocateFor(framework, framework.stored.suppressed);
  if (cluster.watchers.any)
    cluster.tell({ type: 'FRAMEWORK_ADDED', framework_added: { framework: frameworkView(framework) } });
}

/** What it says of itself has changed. */
export function refreshFramework(cluster: Cluster, framework: Framework): void {
  cluster.saveFramework(framework);
  cluster.allocateFor(framework, framework.stored.suppressed);
  if (cluster.watchers.any)
    cluster.tell({ type: 'FRAMEWORK_UPDATED', framework_updated: { framework: frameworkView(framework) } });
  for (const id of new Set([...framework.tasks.values()].map((record) => record.agentId)))
    cluster.agents.get(id)?.link?.send({
      type: 'FRAMEWORK_UPDATED',
      framework_updated: { framework_info: framework.info },
    });
}

/** Its stream is open and its id durable. */
export function connected(
  cluster: Cluster,
  framework: Framework,
  link: SchedulerLink & { closed: boolean },
): void {
  if (cluster.frameworks.get(framework.id) !== framework) {
    link.end();
    return;
  }
  // Another has been asked for meanwhile, and takes its place.
  if (framework.latestStream !== link.streamId) {
    failOver(link);
    return;
  }
  if (link.closed) {
    awaitFailover(cluster, framework);
    return;
  }
  if (framework.link !== undefined) failOver(framework.link);
  framework.stopWaiting?.();
  framework.link = link;
  framework.recovered = false;
  cluster.send(framework, {
    type: 'SUBSCRIBED',
    subscribed: {
      framework_id: { value: framework.id },
      heartbeat_interval_seconds: cluster.config.heartbeat,
      master_info: cluster.info,
    },
  });
  cluster.send(framework, { type: 'HEARTBEAT' });
  for (const { pending } of framework.tasks.values())
    if (pending !== undefined) sendStatus(cluster, framework, pending);
  sayAll(cluster, framework);
  cluster.allocator.setFrameworkActive(framework.id, true);
  sendInverseOffers(cluster, [framework]);
}

/** A stream that another takes the place of. */
export function failOver(link: SchedulerLink): void {
  link.send({ type: 'ERROR', error: { message: 'Framework failed over' } });
  link.end();
}

/** Its stream has ended: it has `failover_timeout` to come back. */
export function disconnected(cluster: Cluster, framework: Framework, link: SchedulerLink): void {
  if (cluster.ending || framework.link !== link) return;
  framework.link = undefined;
  if (!cluster.frameworks.has(framework.id)) return;
  cluster.allocator.setFrameworkActive(framework.id, false);
  for (const offer of [...framework.offers]) dropOffer(cluster, offer, { rescind: false });
  framework.inverseOffers.clear();
  awaitFailover(cluster, framework);
}

export function awaitFailover(cluster: Cluster, framework: Framework): void {
  framework.stopWaiting?.();
  // That the master was away is no fault of a framework: it has as long to come back as agents have.
  const least = framework.recovered ? cluster.config.reregisterTimeout : 0;
  const seconds = Math.max(framework.info.failover_timeout ?? 0, least);
  framework.stopWaiting = longWait(seconds * 1000, () => {
    if (!cluster.ending && framework.link === undefined) removeFramework(cluster, framework);
  });
}

/** It is gone for good: its tasks end, and its id is never taken again. */
export function removeFramework(cluster: Cluster, framework: Framework): void {
  framework.stopWaiting?.();
  cluster.allocator.setFrameworkActive(framework.id, false);
  for (const offer of [...framework.offers]) dropOffer(cluster, offer, { rescind: false });
  framework.inverseOffers.clear();
  // Before its tasks: nobody is told of their end. It is no stream of the framework's when it ends: nobody waits for another.
  const { link } = framework;
  framework.link = undefined;
  link?.end();
  for (const agent of cluster.agents.values()) {
    const concerned = [...agent.tasks.values()].filter((record) => record.frameworkId === framework.id);
    const executors = [...agent.executors].filter(([, each]) => each.frameworkId === framework.id);
    if (concerned.length === 0 && executors.length === 0) continue;
    agent.link?.send({
      type: 'SHUTDOWN_FRAMEWORK',
      shutdown_framework: { framework_id: { value: framework.id } },
    });
    for (const record of concerned) killOrphan(cluster, framework, record);
    for (const [key, executor] of executors) {
      agent.executors.delete(key);
      cluster.allocator.release(framework.id, executor.role, agent.id, executor.resources);
    }
  }
  disown(cluster, framework);
  cluster.allocator.removeFramework(framework.id);
  cluster.frameworks.delete(framework.id);
  framework.stored = { ...framework.stored, unregistered_time: nanoseconds() };
  remember(cluster, framework);
  cluster.saveFramework(framework);
  if (cluster.watchers.any)
    cluster.tell({ type: 'FRAMEWORK_REMOVED', framework_removed: { framework_info: framework.info } });
}

/** A task of a framework that is gone. One that its agent has keeps its resources until the agent says that it has ended. */
function killOrphan(cluster: Cluster, framework: Framework, record: TaskRecord): void {
  if (record.ended || !record.sent) {
    removeTask(cluster, record);
    return;
  }
  const status = masterStatus(
    record.task,
    'TASK_KILLED',
    'The framework has been removed',
    'REASON_FRAMEWORK_REMOVED',
  );
  record.note(status);
  abandon(cluster, framework, record);
  save(cluster, record);
}

/** Among those that are gone; the oldest of too many are forgotten. */
export function remember(cluster: Cluster, framework: Framework): void {
  cluster.completedFrameworks.set(framework.id, framework);
  for (const id of cluster.completedFrameworks.keys()) {
    if (cluster.completedFrameworks.size <= cluster.config.mostCompletedFrameworks) break;
    cluster.completedFrameworks.delete(id);
    cluster.store.delete('framework', id);
  }
}

/** As the operator's API shows it. */
export function frameworkView(framework: Framework): MasterResponseGetFrameworksFramework {
  const { stored } = framework;
  const time = (value: number | undefined) => (value === undefined ? undefined : { nanoseconds: value });
  const multiple = framework.can('MULTI_ROLE');
  return {
    framework_info: multiple ? stored.info : { ...stored.info, role: rolesOf(stored.info)[0] },
    active: framework.connected,
    connected: framework.connected,
    recovered: framework.recovered,
    registered_time: time(stored.registered_time),
    reregistered_time: time(stored.reregistered_time),
    unregistered_time: time(stored.unregistered_time),
    offers: [...framework.offers].map(offerMessage),
    allocated_resources: Resources.sum(
      [...framework.tasks.values()].filter((record) => record.counted).map((record) => record.resources),
    ).toList(),
    offered_resources: Resources.sum([...framework.offers].map((offer) => offer.resources)).toList(),
    ...(framework.offerConstraints !== undefined && { offer_constraints: framework.offerConstraints }),
  };
}
