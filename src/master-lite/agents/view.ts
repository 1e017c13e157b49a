import type { DrainInfo, MasterResponseGetAgentsAgent } from '../../mesos/messages.js';
import { Resources } from '../../mesos/resources/resources.js';
import type { Agent } from '../model/agent.js';

/** As the operator's API shows it. */
export function agentView(agent: Agent): MasterResponseGetAgentsAgent {
  const { stored } = agent;
  const drain = drainOf(agent);
  return {
    agent_info: { ...stored.info, resources: stored.info.resources },
    active: agent.connected && agent.usable,
    version: stored.version,
    pid: `slave(1)@${agent.address}`,
    registered_time: { nanoseconds: stored.registered_time },
    ...(stored.reregistered_time !== undefined && {
      reregistered_time: { nanoseconds: stored.reregistered_time },
    }),
    total_resources: agent.total.toList(),
    allocated_resources: usedOf(agent).toList(),
    offered_resources: Resources.sum([...agent.offers].map((offer) => offer.resources)).toList(),
    capabilities: stored.capabilities,
    deactivated: stored.deactivated || stored.drain !== undefined,
    ...(drain !== undefined && {
      drain_info: drain,
      estimated_drain_start_time: { nanoseconds: stored.drain?.since ?? 0 },
    }),
  };
}

export function usedOf(agent: Agent): Resources {
  const tasks = [...agent.tasks.values()]
    .filter((record) => record.counted)
    .map((record) => record.resources);
  return Resources.sum([...tasks, ...[...agent.executors.values()].map((executor) => executor.resources)]);
}

function drainOf(agent: Agent): DrainInfo | undefined {
  const { drain } = agent.stored;
  return drain === undefined
    ? undefined
    : { state: agent.drained ? 'DRAINED' : 'DRAINING', config: drain.config };
}
