import { uptime } from 'node:os';
import type { TaskState, TaskStatusReason } from '../../mesos/messages.js';
import { currentBootId } from '../../state/live-process.js';

/** Why and until when a task is to end. Kept: an agent that comes back goes on with it. */
export interface KillOrder {
  /** What it is to be told as. */
  state: TaskState;
  reason?: TaskStatusReason;
  message?: string;
  /** Milliseconds since 1970, after which it is not asked any more. */
  deadline: number;
  /** The same in seconds of that boot, which nobody sets as they set clocks. */
  boot_id?: string;
  uptime?: number;
}

/** `deadline`: milliseconds since 1970, by the clock as it is now. */
export function uptimeAt(deadline: number): Pick<KillOrder, 'boot_id' | 'uptime'> {
  return { boot_id: currentBootId(), uptime: uptime() + (deadline - Date.now()) / 1000 };
}

/** An order that was kept, by the clock as it is now. */
export function recoveredOrder(order: KillOrder): KillOrder {
  // Of another boot nothing runs any more.
  if (order.uptime === undefined || order.boot_id !== currentBootId()) return order;
  return { ...order, deadline: Date.now() + (order.uptime - uptime()) * 1000 };
}
