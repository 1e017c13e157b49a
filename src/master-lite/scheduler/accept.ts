import type {
  OfferOperation,
  SchedulerCallAccept,
  TaskInfo,
  TaskStatusReason,
} from '../../mesos/messages.js';
import { Resources } from '../../mesos/resources/resources.js';
import type { Cluster } from '../cluster.js';
import type { Agent } from '../model/agent.js';
import type { Framework } from '../model/framework.js';
import type { Offer } from '../model/offer.js';
import { dropOffer, refuseSeconds, takeOffer } from '../offers.js';
import { masterStatus, sendStatus, stateFor } from '../tasks.js';
import { launch, launchGroup } from './launch.js';
import { applyOperation, operationStatus } from './operations.js';

/** What is left of accepted offers while their operations are gone through, in order. */
export interface Acceptance {
  framework: Framework;
  agent: Agent;
  role: string;
  left: Resources;
}

/** Uses offers: all of one agent and one role, each once. What no operation takes is free again, under the filter. */
export function accept(cluster: Cluster, framework: Framework, call: SchedulerCallAccept): void {
  const ids = (call.offer_ids ?? []).map(({ value }) => value);
  const offers = ids.flatMap((id) => {
    const offer = cluster.offers.get(id);
    return offer?.framework === framework ? [offer] : [];
  });
  const operations = call.operations ?? [];
  const why = invalidOffers(ids, offers);
  const [first] = offers;
  if (why !== undefined || first === undefined) {
    for (const offer of new Set(offers)) dropOffer(cluster, offer, { rescind: false });
    refuseAll(cluster, framework, operations, why ?? 'No offers specified');
    return;
  }
  const acceptance: Acceptance = {
    framework,
    agent: first.agent,
    role: first.role,
    left: Resources.sum(offers.map((offer) => offer.resources)),
  };
  for (const offer of offers) takeOffer(cluster, offer);
  for (const operation of operations) perform(cluster, acceptance, operation);
  const { agent, role, left } = acceptance;
  cluster.allocator.release(framework.id, role, agent.id, left, refuseSeconds(call.filters));
}

export function decline(
  cluster: Cluster,
  framework: Framework,
  ids: readonly { value: string }[],
  filters: SchedulerCallAccept['filters'],
): void {
  for (const { value } of ids) {
    const offer = cluster.offers.get(value);
    if (offer?.framework === framework)
      dropOffer(cluster, offer, { rescind: false, refuse: refuseSeconds(filters) });
  }
}

function perform(cluster: Cluster, acceptance: Acceptance, operation: OfferOperation): void {
  switch (operation.type) {
    case 'LAUNCH':
      for (const task of operation.launch?.task_infos ?? []) launch(cluster, acceptance, task);
      return;
    case 'LAUNCH_GROUP':
      if (operation.launch_group !== undefined) launchGroup(cluster, acceptance, operation.launch_group);
      return;
    default:
      applyOperation(cluster, acceptance, operation);
  }
}

function invalidOffers(ids: readonly string[], offers: readonly Offer[]): string | undefined {
  if (ids.length === 0) return 'No offers specified';
  if (new Set(ids).size !== ids.length) return 'Duplicate offer in offer list';
  if (offers.length !== ids.length) return 'Offer is no longer valid';
  const [first] = offers;
  if (offers.some((offer) => offer.agent !== first?.agent))
    return 'Aggregated offers must belong to one single agent';
  if (offers.some((offer) => offer.role !== first?.role))
    return 'Aggregated offers must be allocated to the same role';
  return undefined;
}

function refuseAll(
  cluster: Cluster,
  framework: Framework,
  operations: readonly OfferOperation[],
  why: string,
): void {
  for (const operation of operations) {
    const tasks = tasksOf(operation);
    if (tasks.length === 0 && operation.id !== undefined && framework.knowsNewerEvents)
      cluster.send(framework, {
        type: 'UPDATE_OPERATION_STATUS',
        update_operation_status: { status: operationStatus(operation.id, 'OPERATION_DROPPED', why) },
      });
    for (const task of tasks) refuseTask(cluster, framework, task, why, 'REASON_INVALID_OFFERS');
  }
}

export function tasksOf(operation: OfferOperation): TaskInfo[] {
  return operation.launch?.task_infos ?? operation.launch_group?.task_group.tasks ?? [];
}

/** A task that never came to be, through no fault of its description. */
function refuseTask(
  cluster: Cluster,
  framework: Framework,
  task: TaskInfo,
  why: string,
  reason: TaskStatusReason,
): void {
  const message = `Task launched with invalid offers: ${why}`;
  sendStatus(cluster, framework, masterStatus(task, stateFor(framework, 'TASK_DROPPED'), message, reason));
}
