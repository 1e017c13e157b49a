import { InvalidArgumentError, Option } from 'commander';
import type { ContainerID } from '../../mesos/messages.js';

/** `--container A/B`: not the task's own container, but one below it. */
export const belowFlag = () =>
  new Option(
    '--container <id[/id…]>',
    'one below the task’s own (docs/reference/executors.md), by its id, or by the ids on the way to it',
  ).argParser(waysDown);

function waysDown(text: string): string[] {
  const ids = text.split('/');
  if (ids.every((id) => /^[\w-][\w.-]*$/.test(id))) return ids;
  throw new InvalidArgumentError('It is the id of a container, or several with / between them.');
}

/** What the API calls it. */
export function below(container: ContainerID, ids: readonly string[] = []): ContainerID {
  return ids.reduce<ContainerID>((parent, value) => ({ value, parent }), container);
}

/** Its sandbox, in that of the task. */
export function sandboxBelow(ids: readonly string[] = []): string {
  return ids.map((id) => `/containers/${id}`).join('');
}
