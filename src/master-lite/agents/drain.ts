import type { DrainConfig } from '../../mesos/messages.js';
import { nanoseconds } from '../clock.js';
import type { Cluster } from '../cluster.js';
import type { Agent } from '../model/agent.js';
import { dropOffer } from '../offers.js';
import { markGone } from './loss.js';

/** Its tasks are to end, and nobody gets new ones there. Kept over restarts of both. */
export function drain(cluster: Cluster, agent: Agent, config: DrainConfig): void {
  agent.stored = { ...agent.stored, drain: { config, since: nanoseconds() } };
  withdraw(cluster, agent);
  const { link } = agent;
  cluster.store.flushed(() => {
    if (agent.link === link) link?.send({ type: 'DRAIN', drain: { config } });
    settleDrain(cluster, agent);
  });
}

/** Nobody gets new tasks there; those that run go on. */
export function deactivate(cluster: Cluster, agent: Agent): void {
  agent.stored = { ...agent.stored, deactivated: true };
  withdraw(cluster, agent);
}

export function reactivate(cluster: Cluster, agent: Agent): void {
  agent.stored = { ...agent.stored, deactivated: false, drain: undefined };
  cluster.saveAgent(agent);
  agent.link?.send({ type: 'REACTIVATE' });
  if (agent.link !== undefined) cluster.allocator.setAgentActive(agent.id, true);
}

/** Called when a task of the agent is no more: a drain may have come to its end. */
export function settleDrain(cluster: Cluster, agent: Agent): void {
  if (agent.drained && agent.stored.drain?.config.mark_gone === true) markGone(cluster, agent, 'gone');
}

function withdraw(cluster: Cluster, agent: Agent): void {
  cluster.saveAgent(agent);
  for (const offer of [...agent.offers]) dropOffer(cluster, offer, { rescind: true });
  if (agent.stored.state === 'registered') cluster.allocator.setAgentActive(agent.id, false);
}
