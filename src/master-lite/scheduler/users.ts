import type { ContainerInfo, ExecutorInfo, TaskInfo } from '../../mesos/messages.js';
import type { Cluster } from '../cluster.js';
import type { Framework } from '../model/framework.js';

type Program = Pick<TaskInfo, 'command' | 'container' | 'check' | 'health_check'> | ExecutorInfo | undefined;

/** Why a framework may not run all of these, by their users; undefined: it may. */
export function forbiddenUser(
  { authorization }: Cluster,
  { owner, info }: Framework,
  programs: readonly Program[],
): string | undefined {
  if (!authorization.limited) return undefined;
  const users = programs.flatMap((program) => [
    ...ownUser(program, info.user),
    // Goes over the former where there is an image (docker run's flag).
    ...(program?.container?.docker?.parameters ?? []).flatMap(({ key, value }) =>
      key === 'user' ? [value || 'root'] : [],
    ),
    ...usersOfChecks(program),
  ]);
  const user = users.find((each) => !authorization.may(owner, 'run_tasks', each));
  return user === undefined ? undefined : authorization.refusal(owner, 'run_tasks', user);
}

/** Whom an image runs it as, where nothing else is said, only its agent will see: it may be root. */
function ownUser(program: Program, ofFramework: string): string[] {
  const image = hasImage(program?.container);
  // One without either is another's, or nobody's.
  if (program?.command === undefined && !image) return [];
  return [program?.command?.user || (image ? '' : ofFramework) || 'root'];
}

const hasImage = (container: ContainerInfo | undefined) =>
  container?.docker !== undefined || container?.mesos?.image !== undefined;

/** Commands of checks run beside the task, as whom they say. */
function usersOfChecks(program: Program): string[] {
  if (program === undefined || 'executor_id' in program) return [];
  const { check, health_check } = program;
  return [check?.command?.command.user, health_check?.command?.user].flatMap((user) => user || []);
}
