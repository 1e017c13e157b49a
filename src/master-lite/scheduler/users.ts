import type { CommandInfo, ContainerInfo } from '../../mesos/messages.js';
import type { Cluster } from '../cluster.js';
import type { Framework } from '../model/framework.js';

/** A task or an executor. */
type Program = { command?: CommandInfo | undefined; container?: ContainerInfo | undefined } | undefined;

/** Why a framework may not run all of these, by their users; undefined: it may. */
export function forbiddenUser(
  { authorization }: Cluster,
  { owner, info }: Framework,
  programs: readonly Program[],
): string | undefined {
  if (!authorization.limited) return undefined;
  const users = programs.flatMap((program) => [
    // One without a command is another's, or nobody's.
    ...(program?.command === undefined ? [] : [program.command.user || info.user || 'root']),
    // Goes over the former where there is an image (docker run's flag).
    ...(program?.container?.docker?.parameters ?? []).flatMap(({ key, value }) =>
      key === 'user' ? [value] : [],
    ),
  ]);
  const user = users.find((each) => !authorization.may(owner, 'run_tasks', each));
  return user === undefined ? undefined : authorization.refusal(owner, 'run_tasks', user);
}
