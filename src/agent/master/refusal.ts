import type { InvalidMessage } from '../../mesos/codec.js';
import type { Agent } from '../agent.js';

/** What an order is looked through for, whatever else is in it. */
interface Glimpse {
  type?: string;
  run?: { framework_info?: Framework; task?: Task };
  run_group?: { framework_info?: Framework; task_group?: { tasks?: Task[] } };
}
interface Framework {
  id?: { value?: string };
}
interface Task {
  task_id?: { value?: string };
}

/** An order that cannot be read is passed over; of tasks that it was to launch the framework hears, as far as they can be told. */
export function refuseOrder(agent: Agent, record: Buffer, error: InvalidMessage): void {
  const { type, run, run_group } = glimpse(record);
  agent.note(`an order ${type ?? ''} of the master cannot be read: ${error.message}`);
  const framework = (run ?? run_group)?.framework_info?.id?.value;
  const group = run_group?.task_group?.tasks;
  for (const task of Array.isArray(group) ? group : [run?.task]) {
    const id = task?.task_id?.value;
    if (typeof framework !== 'string' || typeof id !== 'string') continue;
    agent.link.report({
      type: 'UPDATE',
      update: {
        framework_id: { value: framework },
        // Nothing is kept of it: without a uuid the master takes it at once.
        status: {
          task_id: { value: id },
          state: 'TASK_ERROR',
          source: 'SOURCE_AGENT',
          reason: 'REASON_TASK_INVALID',
          message: `The agent cannot read it: ${error.message}`,
          timestamp: Date.now() / 1000,
        },
      },
    });
  }
}

function glimpse(record: Buffer): Glimpse {
  try {
    const value: unknown = JSON.parse(record.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // Then it is nobody's.
    return {};
  }
}
