import type { FrameworkInfo, TaskState } from '../../mesos/messages.js';

const terminal = new Set<TaskState>([
  ...(['TASK_FINISHED', 'TASK_FAILED', 'TASK_KILLED', 'TASK_ERROR', 'TASK_LOST'] as const),
  ...(['TASK_DROPPED', 'TASK_GONE', 'TASK_GONE_BY_OPERATOR'] as const),
]);

export function isTerminal(state: TaskState): boolean {
  return terminal.has(state);
}

export function hasCapability(
  framework: FrameworkInfo | undefined,
  capability: 'PARTITION_AWARE' | 'TASK_KILLING_STATE',
): boolean {
  return framework?.capabilities?.some(({ type }) => type === capability) ?? false;
}

/** A state that frameworks which do not know of partitions are told as `TASK_LOST`. */
export function lostAs(
  framework: FrameworkInfo | undefined,
  state: 'TASK_DROPPED' | 'TASK_GONE' | 'TASK_UNKNOWN',
): TaskState {
  return hasCapability(framework, 'PARTITION_AWARE') ? state : 'TASK_LOST';
}
