import { HttpError } from '../../http/http-error.js';
import type { Agent } from '../agent.js';

/**
 * As whom an executor's programs below its own container run, where they do not say it themselves. Who is not root becomes nobody else by asking the agent. Throws HttpError 403.
 *
 * @param id Of the executor's container.
 * @param wanted What the program says.
 */
export function executorUser(agent: Agent, id: string, wanted: string | undefined): string {
  const { record } = [...agent.executors.all()].find(({ containerId }) => containerId === id) ?? {};
  const own = record?.info.command?.user || record?.framework.user || 'root';
  if (own !== 'root' && wanted !== undefined && wanted !== '' && wanted !== own)
    throw new HttpError(403, `An executor of user '${own}' may not run programs as '${wanted}'`);
  return own;
}
