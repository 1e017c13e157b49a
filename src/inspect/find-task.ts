import { BerthError } from '../errors/berth-error.js';
import { type InspectedTask, isUp } from './task-source.js';

/** The same with what belongs to it: of a pod's first container all of the pod that runs. */
export function findTasks(tasks: InspectedTask[], wanted: string): InspectedTask[] {
  const found = findTask(tasks, wanted);
  return [found, ...tasks.filter((task) => task !== found && isOf(found.id)(task) && isUp(task))];
}

/** Is it that task, or one of the pod that it is the first container of? */
export const isOf =
  (id: string) =>
  (task: InspectedTask): boolean =>
    task.id === id || task.pod === id;

/** The task that a person means: by its id, its name, or a beginning of its id that fits no other. */
export function findTask(tasks: InspectedTask[], wanted: string): InspectedTask {
  const exact = tasks.find((task) => task.id === wanted) ?? tasks.find((task) => task.name === wanted);
  if (exact !== undefined) return exact;
  const fitting = wanted === '' ? [] : tasks.filter((task) => task.id.startsWith(wanted));
  const [only, second] = fitting;
  if (only === undefined) {
    throw new BerthError('CONTAINER_NOT_FOUND', {
      what: `container ${wanted}`,
      why: 'no container has that name or id',
      mend: 'See berth ps -a.',
    });
  }
  if (second !== undefined) {
    throw new BerthError('CONTAINER_AMBIGUOUS', {
      what: `container ${wanted}`,
      why: `${fitting.length} containers have ids that begin so`,
      mend: `Give more of the id: ${only.id} or ${second.id}, for example.`,
    });
  }
  return only;
}
