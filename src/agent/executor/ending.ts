import type { ExitDocument } from '../../containerizer/container/document.js';
import { reasonOf } from '../../containerizer/container/oom.js';
import type { TaskStatus } from '../../mesos/messages.js';
import { lostAs } from '../task/states.js';
import type { Task } from '../task/task.js';
import type { Executor } from './executor.js';

/** What a task comes to whose executor has ended before it. Undefined: nothing is known of its end. */
export function executorEnding(
  exit: ExitDocument | undefined,
  { why }: Pick<Executor, 'why'>,
  { kill }: Pick<Task, 'kill'>,
): Pick<TaskStatus, 'state' | 'source' | 'reason' | 'message'> {
  const source = 'SOURCE_AGENT';
  if (exit?.oom_killed === true && exit.status !== 0)
    return {
      state: 'TASK_FAILED',
      source,
      reason: 'REASON_CONTAINER_LIMITATION_MEMORY',
      message: `Memory limit exceeded: ${reasonOf(exit) ?? how(exit)}`,
    };
  if (kill !== undefined)
    return {
      state: kill.state,
      source,
      reason: kill.reason ?? 'REASON_EXECUTOR_TERMINATED',
      message: `${kill.message ?? 'It was to end'}: ${how(exit)}`,
    };
  return { state: 'TASK_FAILED', source, reason: why ?? 'REASON_EXECUTOR_TERMINATED', message: how(exit) };
}

/** What a task comes to that its executor has not been told of, and now never will be. */
export function neverHeard({
  framework,
}: Pick<Task, 'framework'>): Pick<TaskStatus, 'state' | 'source' | 'reason' | 'message'> {
  return {
    state: lostAs(framework, 'TASK_DROPPED'),
    source: 'SOURCE_AGENT',
    reason: 'REASON_AGENT_RESTARTED',
    message: 'The agent was restarted before the executor had the task',
  };
}

function how(exit: ExitDocument | undefined): string {
  if (exit === undefined) return 'Its executor is gone';
  return exit.signal === null
    ? `Its executor exited with status ${exit.status}`
    : `Its executor was terminated by signal ${exit.signal}`;
}

/** As wait(2) has it: the signal in the lowest byte, or the status in the next. */
export function rawStatus({ status, signal }: Pick<ExitDocument, 'status' | 'signal'>): number {
  return signal ?? (status & 0xff) << 8;
}
