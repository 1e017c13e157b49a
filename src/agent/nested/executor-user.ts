import { HttpError } from '../../http/http-error.js';
import type { CommandInfo, ContainerInfo } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import { ownerOf } from '../sandbox/owner.js';

/**
 * What an executor's program below its own container runs as: who is not root becomes nobody else by asking the agent, nor by an image that says who that is. Throws HttpError 403.
 *
 * @param id Of the executor's container.
 */
export function asExecutor(
  agent: Agent,
  id: string,
  command: CommandInfo = {},
  container: ContainerInfo | undefined,
): { command: CommandInfo; user: string } {
  const { record } = [...agent.executors.all()].find(({ containerId }) => containerId === id) ?? {};
  const own = record?.info.command?.user || record?.framework.user || 'root';
  const wanted = command.user ?? '';
  if (own === 'root') return { command, user: own };
  if (wanted !== '' && wanted !== own)
    throw new HttpError(403, `An executor of user '${own}' may not run programs as '${wanted}'`);
  const lists = record?.info.container?.mesos?.image ?? record?.info.container?.docker;
  const user = container?.mesos?.image === undefined || lists !== undefined ? own : hostIds(own);
  return { command: { ...command, user }, user: own };
}

/** The names in an image are whose the image likes, and the ids may be the host's. */
function hostIds(user: string): string {
  const ids = ownerOf(user, ['/']);
  if (ids === undefined) throw new HttpError(403, `This host knows no user '${user}'`);
  return `${ids.uid}:${ids.gid}`;
}
