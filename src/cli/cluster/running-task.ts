import { BerthError } from '../../errors/berth-error.js';
import type { ContainerID } from '../../mesos/messages.js';
import type { MasterClient } from './master-client.js';
import { findNode } from './nodes.js';
import { findTask } from './tasks.js';

/** Where a task runs. */
export interface RunningTask {
  id: string;
  /** Of its agent, HOST:PORT. */
  address: string;
  container: ContainerID;
  /** Its stdio is a terminal. */
  terminal: boolean;
}

/** A task that runs, by its id or the beginning of it, and the node that the master says it is on. */
export async function findRunningTask(client: MasterClient, name: string): Promise<RunningTask> {
  const { task, row } = await findTask(client, name);
  const { statuses = [] } = task;
  const container = statuses
    .map(({ container_status }) => container_status?.container_id)
    .findLast((id) => id !== undefined);
  const runs = task.state === 'TASK_RUNNING' || task.state === 'TASK_KILLING';
  if (container === undefined || !runs)
    throw new BerthError('TASK_NOT_FOUND', {
      what: `task ${row.id}`,
      why: `it does not run: its state is ${task.state}`,
    });
  const { address, name: node } = await findNode(client, row.node_id);
  if (address === null)
    throw new BerthError('AGENT_UNREACHABLE', {
      what: `node ${node}`,
      why: 'it has not come back to the master yet',
    });
  return { id: row.id, address, container, terminal: task.container?.tty_info !== undefined };
}
