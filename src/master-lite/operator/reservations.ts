import { HttpError } from '../../http/http-error.js';
import type { MasterCall, OfferOperation } from '../../mesos/messages.js';
import { Resources } from '../../mesos/resources/resources.js';
import type { Cluster } from '../cluster.js';
import { conversionOf } from '../conversions.js';
import type { Agent } from '../model/agent.js';
import { dropOffer } from '../offers.js';
import { addOperation } from '../operations.js';
import { convertTotal } from '../scheduler/operations.js';
import { agentOf, required } from './body.js';

type Reservation = (cluster: Cluster, call: MasterCall) => void;

/** Reservations and volumes that an operator makes, out of what is free or only offered. */
export const reservations: Partial<Record<NonNullable<MasterCall['type']>, Reservation>> = {
  RESERVE_RESOURCES(cluster, call) {
    const { agent_id, resources, source } = required(call, 'reserve_resources');
    apply(cluster, agentOf(cluster, agent_id), { type: 'RESERVE', reserve: { resources, source } });
  },
  UNRESERVE_RESOURCES(cluster, call) {
    const { agent_id, resources } = required(call, 'unreserve_resources');
    apply(cluster, agentOf(cluster, agent_id), { type: 'UNRESERVE', unreserve: { resources } });
  },
  CREATE_VOLUMES(cluster, call) {
    const { agent_id, volumes } = required(call, 'create_volumes');
    apply(cluster, agentOf(cluster, agent_id), { type: 'CREATE', create: { volumes } });
  },
  DESTROY_VOLUMES(cluster, call) {
    const { agent_id, volumes } = required(call, 'destroy_volumes');
    apply(cluster, agentOf(cluster, agent_id), { type: 'DESTROY', destroy: { volumes } });
  },
  GROW_VOLUME(cluster, call) {
    const { agent_id, volume, addition } = required(call, 'grow_volume');
    apply(cluster, agentOf(cluster, agent_id), { type: 'GROW_VOLUME', grow_volume: { volume, addition } });
  },
  SHRINK_VOLUME(cluster, call) {
    const { agent_id, volume, subtract } = required(call, 'shrink_volume');
    apply(cluster, agentOf(cluster, agent_id), {
      type: 'SHRINK_VOLUME',
      shrink_volume: { volume, subtract },
    });
  },
};

function apply(cluster: Cluster, agent: Agent, operation: OfferOperation): void {
  const conversion = conversionOf(operation);
  if (typeof conversion === 'string') throw new HttpError(400, conversion);
  if (agent.stored.state !== 'registered') throw new HttpError(409, `Agent ${agent.id} is not registered`);
  const available = () => cluster.allocator.freeOf(agent.id).clone();
  const offered = Resources.sum([...agent.offers].map((offer) => offer.resources));
  if (!available().add(offered).contains(conversion.consumed))
    throw new HttpError(409, `Invalid operation: it needs ${conversion.consumed}, which is not free`);
  for (const offer of [...agent.offers]) {
    if (available().contains(conversion.consumed)) break;
    dropOffer(cluster, offer, { rescind: true });
  }
  convertTotal(cluster, agent, conversion);
  addOperation(cluster, agent, operation, conversion);
}
