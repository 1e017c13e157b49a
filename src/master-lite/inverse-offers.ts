import { randomUUID } from 'node:crypto';
import type {
  AllocatorInverseOfferStatusStatus,
  InverseOffer as InverseOfferMessage,
  MachineID,
} from '../mesos/messages.js';
import { Resources } from '../mesos/resources/resources.js';
import { nanoseconds } from './clock.js';
import type { Cluster } from './cluster.js';
import type { Agent } from './model/agent.js';
import type { Framework } from './model/framework.js';
import type { InverseOffer } from './model/offer.js';
import { dropOffer } from './offers.js';

/** The times of maintenance of these machines have changed: what was offered under the old ones is taken back. */
export function machinesChanged(cluster: Cluster, machines: readonly MachineID[]): void {
  const concerned = [...cluster.agents.values()].filter((agent) =>
    machines.some((machine) => isOn(agent, machine)),
  );
  for (const agent of concerned) {
    agent.unavailability = unavailabilityOf(cluster, agent);
    for (const offer of [...agent.offers]) dropOffer(cluster, offer, { rescind: true });
  }
  for (const framework of cluster.frameworks.values())
    for (const [id, inverse] of framework.inverseOffers) {
      if (!concerned.includes(inverse.agent)) continue;
      framework.inverseOffers.delete(id);
      cluster.send(framework, {
        type: 'RESCIND_INVERSE_OFFER',
        rescind_inverse_offer: { inverse_offer_id: { value: id } },
      });
    }
  sendInverseOffers(cluster, cluster.frameworks.values());
}

/** Asks frameworks to leave the agents that will be unavailable. Each is asked once, until the times change. */
export function sendInverseOffers(cluster: Cluster, frameworks: Iterable<Framework>): void {
  if (cluster.maintenance.draining.length === 0) return;
  const agents = [...cluster.agents.values()].filter((agent) => agent.unavailability !== undefined);
  for (const framework of frameworks) {
    if (!framework.connected || !framework.knowsNewerEvents) continue;
    const asked = new Set([...framework.inverseOffers.values()].map(({ agent }) => agent));
    const made = agents
      .filter(
        (agent) => !asked.has(agent) && !hasAnswered(cluster, framework, agent) && uses(framework, agent),
      )
      .map((agent): InverseOffer => ({ id: randomUUID(), framework, agent }));
    if (made.length === 0) continue;
    for (const inverse of made) framework.inverseOffers.set(inverse.id, inverse);
    cluster.send(framework, {
      type: 'INVERSE_OFFERS',
      inverse_offers: { inverse_offers: made.flatMap(inverseOfferMessage) },
    });
  }
}

export function inverseOfferMessage({ id, framework, agent }: InverseOffer): InverseOfferMessage[] {
  if (agent.unavailability === undefined) return [];
  const used = [...agent.tasks.values()].filter(
    (record) => record.frameworkId === framework.id && record.counted,
  );
  return [
    {
      id: { value: id },
      framework_id: { value: framework.id },
      agent_id: { value: agent.id },
      unavailability: agent.unavailability,
      resources: Resources.sum(used.map((record) => record.resources)).toList({
        refined: framework.can('RESERVATION_REFINEMENT'),
      }),
    },
  ];
}

/** What a framework answers is kept for operators to see; ids that are not known any more are passed over. */
export function answerInverseOffers(
  cluster: Cluster,
  framework: Framework,
  ids: readonly { value: string }[],
  answer: AllocatorInverseOfferStatusStatus,
): void {
  for (const { value } of ids) {
    const inverse = framework.inverseOffers.get(value);
    if (inverse === undefined) continue;
    framework.inverseOffers.delete(value);
    for (const machine of [...cluster.maintenance.draining, ...cluster.maintenance.down])
      if (isOn(inverse.agent, machine.id))
        cluster.maintenance.answer(machine.id, framework.id, answer, nanoseconds());
  }
}

export function unavailabilityOf(cluster: Cluster, agent: Agent) {
  const { draining, down } = cluster.maintenance;
  return [...draining, ...down].find(({ id }) => isOn(agent, id))?.unavailability;
}

/** A machine may be named by its host name, its address, or both. */
export const isOn = (agent: Agent, id: MachineID): boolean => names(id, agent.machine);

export function names({ hostname = '', ip = '' }: MachineID, machine: MachineID): boolean {
  return (
    (hostname === '' || hostname.toLowerCase() === machine.hostname?.toLowerCase()) &&
    (ip === '' || ip === machine.ip)
  );
}

function hasAnswered({ maintenance }: Cluster, framework: Framework, agent: Agent): boolean {
  return [...maintenance.draining, ...maintenance.down].some(
    ({ id, answers }) => isOn(agent, id) && answers.has(framework.id),
  );
}

function uses(framework: Framework, agent: Agent): boolean {
  for (const record of agent.tasks.values())
    if (record.frameworkId === framework.id && record.counted) return true;
  return false;
}
