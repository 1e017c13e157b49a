import { HttpError } from '../../http/http-error.js';
import type { AgentCall } from '../../mesos/messages.js';

/** The member that a call must have beside its type. */
export function required<Name extends keyof AgentCall>(
  call: AgentCall,
  name: Name,
): NonNullable<AgentCall[Name]> {
  const body = call[name];
  if (body === undefined || body === null) throw new HttpError(400, `Expecting '${name}' to be present`);
  return body;
}
