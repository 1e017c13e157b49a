import type { Order, ReportSubscribe } from '../../mesos/messages.js';
import { rebased } from '../../mesos/resources/rebase.js';
import { Resources } from '../../mesos/resources/resources.js';
import { invalidResources } from '../../mesos/resources/validate.js';
import { monotonic, nanoseconds } from '../clock.js';
import type { Cluster } from '../cluster.js';
import { names, unavailabilityOf } from '../inverse-offers.js';
import { Agent, type AgentLink, placeOf, type StoredAgent } from '../model/agent.js';
import { dropOffer } from '../offers.js';
import { orderAgain } from '../operations.js';
import { adoptExecutors, adoptTasks, recoverFrameworks } from './adoption.js';
import { settleDrain } from './drain.js';
import { awaitReturn } from './liveness.js';
import { markGone } from './loss.js';
import { agentView } from './view.js';

/** Why an agent cannot be taken, as the order that it gets; undefined: it can. */
export function refusal(
  cluster: Cluster,
  { agent_info: info }: ReportSubscribe,
  ip: string,
): Order | undefined {
  const known = cluster.agents.get(info.id?.value ?? '');
  if (known?.stored.state === 'gone') return { type: 'SHUTDOWN' };
  const why = invalidResources(info.resources ?? []);
  if (why !== undefined) return { type: 'ERROR', error: { message: why } };
  if (info.hostname === '') return { type: 'ERROR', error: { message: "'hostname' is empty" } };
  if (known !== undefined && known.info.hostname !== info.hostname)
    return { type: 'ERROR', error: { message: `Agent ${known.id} is ${known.info.hostname}` } };
  const down = cluster.maintenance.down.some(({ id }) => names(id, { hostname: info.hostname, ip }));
  return down ? { type: 'ERROR', error: { message: 'Its machine is down for maintenance' } } : undefined;
}

/** Takes an agent in: a new one, or one that comes back. It hears of it once that is durable. */
export function admit(cluster: Cluster, link: AgentLink, subscribe: ReportSubscribe, ip: string): Agent {
  const known = cluster.agents.get(subscribe.agent_info.id?.value ?? '');
  if (known === undefined) dismissPredecessors(cluster, subscribe, ip);
  const agent = known === undefined ? newAgent(cluster, subscribe, ip) : knownAgent(known, subscribe, ip);
  if (known !== undefined) standDown(cluster, agent);
  agent.link = link;
  agent.adopted = false;
  agent.lastSeen = monotonic();
  agent.unavailability = unavailabilityOf(cluster, agent);
  cluster.agents.set(agent.id, agent);
  cluster.places.set(agent.place, agent);
  cluster.allocator.removeAgent(agent.id);
  // Counted before anybody is offered the rest.
  cluster.allocator.addAgent(agent.id, agent.total, false);
  cluster.saveAgent(agent);
  recoverFrameworks(cluster, subscribe);
  cluster.store.flushed(() => {
    if (agent.link !== link) return;
    welcome(cluster, agent);
    link.ready = true;
    adoptExecutors(cluster, agent, subscribe);
    adoptTasks(cluster, agent, subscribe);
    agent.adopted = true;
    orderAgain(cluster, agent);
    cluster.allocator.setAgentActive(agent.id, agent.usable);
    settleDrain(cluster, agent);
  });
  cluster.metrics.count(known === undefined ? 'master/slave_registrations' : 'master/slave_reregistrations');
  if (cluster.watchers.any) cluster.tell({ type: 'AGENT_ADDED', agent_added: { agent: agentView(agent) } });
  return agent;
}

/** Its connection has ended. It is offered to nobody until it is back. */
export function disconnect(cluster: Cluster, agent: Agent, link: AgentLink): void {
  if (cluster.ending || agent.link !== link) return;
  agent.link = undefined;
  for (const offer of [...agent.offers]) dropOffer(cluster, offer, { rescind: true });
  cluster.allocator.setAgentActive(agent.id, false);
  awaitReturn(cluster, agent, cluster.config.agentTimeout - (monotonic() - agent.lastSeen) / 1000);
}

/** Its former connection and what was offered of it are of the past; what it runs it will tell. */
function standDown(cluster: Cluster, agent: Agent): void {
  const { link } = agent;
  agent.link = undefined;
  link?.destroy();
  for (const offer of [...agent.offers]) dropOffer(cluster, offer, { rescind: true });
  for (const executor of agent.executors.values())
    cluster.allocator.release(executor.frameworkId, executor.role, agent.id, executor.resources);
  agent.executors.clear();
  for (const record of agent.tasks.values()) {
    if (!record.counted) continue;
    record.counted = false;
    cluster.allocator.release(record.frameworkId, record.role, agent.id, record.resources);
  }
}

function newAgent(cluster: Cluster, subscribe: ReportSubscribe, ip: string): Agent {
  const { agent_info: info, version, capabilities = [], checkpointed_resources } = subscribe;
  // An id that this master does not know was another's: the agent keeps it, as its tasks do.
  const id = info.id?.value || cluster.newId('S');
  const stored: StoredAgent = {
    info: { ...info, id: { value: id } },
    ip,
    version,
    capabilities,
    state: 'registered',
    registered_time: nanoseconds(),
    resources: checkpointed_resources,
    deactivated: false,
  };
  return new Agent(id, stored);
}

function knownAgent(agent: Agent, subscribe: ReportSubscribe, ip: string): Agent {
  const { agent_info: info, version, capabilities = [] } = subscribe;
  const own = agent.stored.resources !== undefined;
  const total = own
    ? rebased(agent.total.toList(), info.resources ?? [])
    : Resources.of(info.resources ?? []);
  agent.stored = {
    ...agent.stored,
    info: { ...info, id: { value: agent.id } },
    ip,
    version,
    capabilities,
    state: 'registered',
    reregistered_time: nanoseconds(),
    since: undefined,
    ...(own && { resources: total.toList() }),
  };
  agent.total = total;
  return agent;
}

/** An agent that has lost its state comes as a new one: the old one at its address is no more. */
function dismissPredecessors(cluster: Cluster, { agent_info: info }: ReportSubscribe, ip: string): void {
  if (info.id !== undefined) return;
  const before = cluster.places.get(placeOf(info, ip));
  if (before !== undefined && cluster.agents.get(before.id) === before) markGone(cluster, before, 'left');
}

function welcome(cluster: Cluster, agent: Agent): void {
  agent.link?.send({
    type: 'SUBSCRIBED',
    subscribed: {
      agent_id: { value: agent.id },
      heartbeat_interval_seconds: cluster.config.agentHeartbeat,
      timeout_seconds: cluster.config.agentTimeout,
      master_info: cluster.info,
      ...(agent.stored.drain !== undefined && { drain_config: agent.stored.drain.config }),
      ...(agent.stored.resources !== undefined && { checkpointed_resources: agent.stored.resources }),
    },
  });
}
