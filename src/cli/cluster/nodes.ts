import { BerthError } from '../../errors/berth-error.js';
import type { AgentInfo, MasterResponseGetAgentsAgent, Resource } from '../../mesos/messages.js';
import type { MasterClient } from './master-client.js';

/** A node as `berth node` shows it. */
export interface NodeRow {
  id: string;
  name: string;
  state: 'active' | 'away' | 'deactivated' | 'draining' | 'drained' | 'recovered' | 'unreachable';
  address: string | null;
  cpus: number;
  cpus_used: number;
  /** Bytes. */
  memory: number;
  memory_used: number;
  version: string | null;
  registered_at: string | null;
}

const megabyte = 1024 * 1024;

export async function listNodes(client: MasterClient): Promise<NodeRow[]> {
  const [{ agents = [], recovered_agents = [] }, lost] = await Promise.all([
    client.ask({ type: 'GET_AGENTS' }, 'get_agents'),
    client.unreachableAgents(),
  ]);
  const unreachable = lost.map(
    ({ agent_info, address }): NodeRow => ({ ...recoveredRow(agent_info), state: 'unreachable', address }),
  );
  return [...agents.map(rowOf), ...recovered_agents.map(recoveredRow), ...unreachable].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

/** By its id, the beginning of it, or its host name. */
export async function findNode(client: MasterClient, name: string): Promise<NodeRow> {
  const nodes = await listNodes(client);
  const exact = nodes.filter((node) => node.id === name || node.name === name);
  const like = exact.length > 0 ? exact : nodes.filter((node) => node.id.startsWith(name));
  const there = like.filter(({ state }) => state !== 'unreachable');
  // A host may have come back as another agent.
  const found = there.length > 0 ? there : like;
  const [first] = found;
  if (first === undefined || found.length > 1)
    throw new BerthError('NODE_NOT_FOUND', {
      what: `node ${name}`,
      why: first === undefined ? 'the master knows none of that name or id' : 'several have that name',
      mend: 'berth node ls shows names and ids.',
    });
  return first;
}

function rowOf(agent: MasterResponseGetAgentsAgent): NodeRow {
  const { agent_info: info, total_resources: total, allocated_resources: used, pid = '' } = agent;
  return {
    ...recoveredRow(info),
    state: stateOf(agent),
    address: pid.split('@')[1] ?? null,
    cpus: sum(total, 'cpus'),
    cpus_used: sum(used, 'cpus'),
    memory: sum(total, 'mem') * megabyte,
    memory_used: sum(used, 'mem') * megabyte,
    version: agent.version,
    registered_at: timeOf((agent.reregistered_time ?? agent.registered_time)?.nanoseconds),
  };
}

function recoveredRow(info: AgentInfo): NodeRow {
  return {
    id: info.id?.value ?? '',
    name: info.hostname,
    state: 'recovered',
    address: null,
    cpus: sum(info.resources, 'cpus'),
    cpus_used: 0,
    memory: sum(info.resources, 'mem') * megabyte,
    memory_used: 0,
    version: null,
    registered_at: null,
  };
}

function stateOf({ active, deactivated, drain_info }: MasterResponseGetAgentsAgent): NodeRow['state'] {
  if (drain_info !== undefined) return drain_info.state === 'DRAINED' ? 'drained' : 'draining';
  if (deactivated === true) return 'deactivated';
  return active ? 'active' : 'away';
}

export function sum(resources: readonly Resource[] = [], name: string): number {
  const thousandths = resources
    .filter((resource) => resource.name === name)
    .reduce((total, { scalar }) => total + Math.round((scalar?.value ?? 0) * 1000), 0);
  return thousandths / 1000;
}

/** RFC 3339 of nanoseconds since the epoch. */
export function timeOf(nanoseconds: number | undefined): string | null {
  return nanoseconds === undefined ? null : new Date(nanoseconds / 1e6).toISOString();
}

/** Mebibytes, as tables show memory. */
export const mebibytes = (bytes: number) => `${Math.round(bytes / megabyte)}M`;
