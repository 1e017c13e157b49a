import { HttpError } from '../../http/http-error.js';
import type { MasterCall } from '../../mesos/messages.js';
import type { Cluster } from '../cluster.js';
import type { Agent } from '../model/agent.js';

/** Nanoseconds from which on a duration does not fit into the int64 that messages have for it. */
export const longestDuration = 2 ** 63;

/** The member that a call must have beside its type. */
export function required<Name extends keyof MasterCall>(
  call: MasterCall,
  name: Name,
): NonNullable<MasterCall[Name]> {
  const body = call[name];
  if (body === undefined || body === null) throw new HttpError(400, `Expecting '${name}' to be present`);
  return body;
}

/** The agent that a call names. */
export function agentOf(cluster: Cluster, id: { value: string } | undefined): Agent {
  const agent = cluster.agents.get(id?.value ?? '');
  if (agent === undefined) throw new HttpError(404, `No agent ${id?.value ?? ''}`);
  return agent;
}
