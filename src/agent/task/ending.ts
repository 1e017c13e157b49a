import type { ExitDocument } from '../../containerizer/container/document.js';
import { reasonOf } from '../../containerizer/container/oom.js';
import { wasSupervisorLost } from '../../containerizer/container/supervisor-lost.js';
import type { TaskStatus } from '../../mesos/messages.js';
import type { KillOrder } from './kill-order.js';

type Ending = Pick<TaskStatus, 'state' | 'source' | 'reason' | 'message' | 'limitation'>;

/** What a task is told to have come to, by how its container ended and whether it was to. */
export function endingOf(exit: ExitDocument, kill: KillOrder | undefined): Ending {
  const how = message(exit);
  if (kill !== undefined)
    return {
      state: kill.state,
      source: 'SOURCE_EXECUTOR',
      ...(kill.reason !== undefined && { reason: kill.reason }),
      message: kill.message === undefined ? how : `${kill.message}: ${how}`,
    };
  if (wasSupervisorLost(exit))
    return {
      state: 'TASK_FAILED',
      source: 'SOURCE_AGENT',
      reason: 'REASON_EXECUTOR_TERMINATED',
      message: 'Its supervisor was killed, and the container with it',
    };
  if (exit.oom_killed && exit.status !== 0) return outOfMemory(exit);
  if (exit.status === 0) return { state: 'TASK_FINISHED', source: 'SOURCE_EXECUTOR', message: how };
  return {
    state: 'TASK_FAILED',
    source: 'SOURCE_EXECUTOR',
    reason: 'REASON_COMMAND_EXECUTOR_FAILED',
    message: how,
  };
}

function message({ status, signal }: ExitDocument): string {
  return signal === null
    ? `Command exited with status ${status}`
    : `Command terminated with signal ${signal}`;
}

function outOfMemory(exit: ExitDocument): Ending {
  const limit = exit.oom?.limit ?? null;
  return {
    state: 'TASK_FAILED',
    source: 'SOURCE_AGENT',
    reason: 'REASON_CONTAINER_LIMITATION_MEMORY',
    message: `Memory limit exceeded: ${reasonOf(exit) ?? message(exit)}`,
    ...(limit !== null && {
      limitation: {
        resources: [{ name: 'mem', type: 'SCALAR' as const, scalar: { value: limit / 1024 / 1024 } }],
      },
    }),
  };
}
