import type { Offer as OfferMessage } from '../mesos/messages.js';
import type { Allocation } from './allocator/allocator.js';
import type { Cluster } from './cluster.js';
import type { Framework } from './model/framework.js';
import type { Offer } from './model/offer.js';

/** Offers in one event: records stay well below the four megabytes that one client's reader takes. */
const mostInEvent = 100;
/** The reference's longest refusal. */
const mostRefuseSeconds = 365 * 24 * 3600;
const defaultRefuseSeconds = 5;

/** Turns what the allocator has decided into offers, and sends them. */
export function makeOffers(cluster: Cluster, allocations: readonly Allocation[]): void {
  const byFramework = new Map<Framework, Offer[]>();
  for (const { framework: id, agent: agentId, role, resources } of allocations) {
    const framework = cluster.frameworks.get(id);
    const agent = cluster.agents.get(agentId);
    if (framework?.link === undefined || agent === undefined) {
      cluster.allocator.release(id, role, agentId, resources);
      continue;
    }
    const offer: Offer = { id: cluster.newId('O'), framework, agent, role, resources };
    cluster.offers.set(offer.id, offer);
    framework.offers.add(offer);
    agent.offers.add(offer);
    const list = byFramework.get(framework);
    if (list === undefined) byFramework.set(framework, [offer]);
    else list.push(offer);
  }
  for (const [framework, offers] of byFramework) {
    cluster.metrics.count('master/offers_sent', offers.length);
    for (let at = 0; at < offers.length; at += mostInEvent)
      cluster.send(framework, {
        type: 'OFFERS',
        offers: { offers: offers.slice(at, at + mostInEvent).map(offerMessage) },
      });
  }
}

export function offerMessage({ id, framework, agent, role, resources }: Offer): OfferMessage {
  const several = framework.can('MULTI_ROLE');
  const executors = [...agent.executors.values()].filter((each) => each.frameworkId === framework.id);
  return {
    id: { value: id },
    framework_id: { value: framework.id },
    agent_id: { value: agent.id },
    hostname: agent.info.hostname,
    url: {
      scheme: 'http',
      address: { hostname: agent.info.hostname, ip: agent.stored.ip, port: agent.info.port ?? 5051 },
      path: '/slave(1)',
    },
    resources: resources.toList({
      refined: framework.can('RESERVATION_REFINEMENT'),
      allocatedTo: several ? role : undefined,
    }),
    ...(agent.info.attributes !== undefined && { attributes: agent.info.attributes }),
    ...(executors.length > 0 && { executor_ids: executors.map(({ info }) => info.executor_id) }),
    ...(agent.unavailability !== undefined && { unavailability: agent.unavailability }),
    ...(several && { allocation_info: { role } }),
    ...(agent.info.domain !== undefined && { domain: agent.info.domain }),
  };
}

/** Takes an offer away from everybody; what it holds stays allocated. */
export function takeOffer(cluster: Cluster, offer: Offer): void {
  cluster.offers.delete(offer.id);
  offer.framework.offers.delete(offer);
  offer.agent.offers.delete(offer);
}

/** An offer that nobody will use: what it holds is free again, and the framework is told unless it is the one who said so. */
export function dropOffer(cluster: Cluster, offer: Offer, how: { rescind: boolean; refuse?: number }): void {
  takeOffer(cluster, offer);
  cluster.allocator.release(offer.framework.id, offer.role, offer.agent.id, offer.resources, how.refuse);
  if (how.rescind) rescind(cluster, offer);
}

export function rescind(cluster: Cluster, offer: Offer): void {
  cluster.metrics.count('master/offers_rescinded');
  cluster.send(offer.framework, { type: 'RESCIND', rescind: { offer_id: { value: offer.id } } });
}

/** Seconds that a framework wants none of what it refuses. */
export function refuseSeconds(filters: { refuse_seconds?: number | undefined } | undefined): number {
  const asked = filters?.refuse_seconds ?? defaultRefuseSeconds;
  return Number.isNaN(asked) || asked < 0 ? defaultRefuseSeconds : Math.min(asked, mostRefuseSeconds);
}
