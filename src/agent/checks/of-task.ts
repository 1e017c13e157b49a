import { readContainer } from '../../containerizer/container/catalogue.js';
import type { TaskStatus } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import type { LiveContainer } from '../container/live-container.js';
import type { Task } from '../task/task.js';
import { runInContainer } from './command-run.js';
import { startChecks, type TaskChecks } from './task-checks.js';
import { realTimers } from './timers.js';

/** Begins the checks of a task whose container runs; what they find is told with its status. Undefined: it has none. */
export function checksOf(agent: Agent, task: Task, { id }: LiveContainer): TaskChecks | undefined {
  const { health_check, check } = task.info;
  if (health_check === undefined && check === undefined) return undefined;
  const first = readContainer(agent.roots, id)?.process?.task;
  if (first === undefined) return undefined;
  const tell = (status: Pick<TaskStatus, 'reason' | 'message'>) => {
    const { latest } = task;
    // What ends is told by its end.
    if (task.kill !== undefined || task.state !== 'TASK_RUNNING') return;
    agent.updates.say(task, {
      state: 'TASK_RUNNING',
      source: 'SOURCE_EXECUTOR',
      ...status,
      ...(latest?.container_status !== undefined && { container_status: latest.container_status }),
      ...said(checks),
    });
  };
  const checks = startChecks(
    task.info,
    {
      process: { pid: first.pid, startTime: first.start_time },
      run: (command, signal) => runInContainer(agent.roots, id, command, signal),
    },
    {
      timers: realTimers,
      report: {
        health({ kill, why }) {
          tell({
            reason: 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED',
            ...(why !== undefined && { message: `Health check failed: ${why}` }),
          });
          if (kill && task.kill === undefined) agent.kill(task, { message: 'Killed by its health check' });
        },
        check: () => tell({ reason: 'REASON_TASK_CHECK_STATUS_UPDATED' }),
        onDefect: (error) => agent.defect(error),
      },
    },
  );
  return checks;
}

/** What every status of a task with checks says of them. */
export function said(checks: TaskChecks | undefined): Pick<TaskStatus, 'healthy' | 'check_status'> {
  return {
    ...(checks?.healthy !== undefined && { healthy: checks.healthy }),
    ...(checks?.checkStatus !== undefined && { check_status: checks.checkStatus }),
  };
}
