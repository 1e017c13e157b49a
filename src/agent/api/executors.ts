import type { AgentResponseGetExecutorsExecutor } from '../../mesos/messages.js';
import type { Task } from '../task/task.js';

/** A task without an executor of its own counts as one that is called as itself, as in the reference. */
export function executorOf({ executorId, frameworkId, info, id }: Task): AgentResponseGetExecutorsExecutor {
  return {
    executor_info: info.executor ?? {
      executor_id: { value: executorId },
      framework_id: { value: frameworkId },
      name: `Command Executor (Task: ${id})`,
      source: id,
      ...(info.command !== undefined && { command: info.command }),
    },
  };
}

/** Several tasks may have one. */
export const keyOfExecutor = ({ frameworkId, executorId }: Task) => `${frameworkId}/${executorId}`;

export function executorsOf(tasks: readonly Task[]): AgentResponseGetExecutorsExecutor[] {
  return [...new Map(tasks.map((task) => [keyOfExecutor(task), executorOf(task)])).values()];
}
