import type { RecordStream } from '../../http/record-stream.js';
import { monotonic } from '../clock.js';
import type { Cluster } from '../cluster.js';
import type { Agent } from '../model/agent.js';
import type { AgentStream } from './link.js';
import { markUnreachable } from './loss.js';

/** Beats to an agent, and listens for its own beats: one that is silent for too long is lost. */
export function watch(cluster: Cluster, agent: Agent, stream: AgentStream, records: RecordStream): void {
  const { agentHeartbeat, agentTimeout } = cluster.config;
  const interval = Math.min(agentHeartbeat, agentTimeout / 3) * 1000;
  let lastTick = monotonic();
  const timer = setInterval(() => {
    const now = monotonic();
    // Stopped ourselves (a debugger, a frozen guest): what the agents have sent meanwhile is still to be read.
    if (now - lastTick > interval * 2) agent.lastSeen = now;
    lastTick = now;
    if (agent.link === stream && now - agent.lastSeen > agentTimeout * 1000)
      markUnreachable(cluster, agent, 'it sends no heartbeats');
    else stream.beat();
  }, interval).unref();
  records.onClose(() => clearInterval(timer));
}

/** An agent without a connection has the rest of its time to come back. */
export function awaitReturn(cluster: Cluster, agent: Agent, seconds: number): void {
  const { stored } = agent;
  const since = monotonic();
  const timer = setTimeout(
    () => {
      if (cluster.ending || agent.link !== undefined || agent.stored.state !== stored.state) return;
      if (cluster.agents.get(agent.id) !== agent || agent.disconnectedAt !== since) return;
      markUnreachable(cluster, agent, 'it has not come back');
    },
    Math.max(0, seconds * 1000),
  );
  timer.unref();
  agent.disconnectedAt = since;
}
