import type { AgentResponseGetExecutorsExecutor } from '../../mesos/messages.js';
import type { Task } from '../task/task.js';

/** A task without an executor of its own counts as one that is called as itself, as in the reference. */
export function executorsOf(tasks: readonly Task[]): AgentResponseGetExecutorsExecutor[] {
  const executors = new Map<string, AgentResponseGetExecutorsExecutor>();
  for (const { executorId, frameworkId, info, id } of tasks)
    executors.set(`${frameworkId}/${executorId}`, {
      executor_info: info.executor ?? {
        executor_id: { value: executorId },
        framework_id: { value: frameworkId },
        name: `Command Executor (Task: ${id})`,
        source: id,
        ...(info.command !== undefined && { command: info.command }),
      },
    });
  return [...executors.values()];
}
