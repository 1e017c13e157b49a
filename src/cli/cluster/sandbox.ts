import { BerthError } from '../../errors/berth-error.js';
import { AgentClient } from './agent-client.js';
import type { MasterClient } from './master-client.js';
import { listNodes } from './nodes.js';
import { findTask } from './tasks.js';

/** The sandbox of a task, where its agent serves it. */
export interface RemoteSandbox {
  agent: AgentClient;
  /** For the files API. */
  path: string;
}

/** By the task's id, or the beginning of it. Of a task that was run again under its old id the last run is meant. */
export async function findSandbox(client: MasterClient, name: string): Promise<RemoteSandbox> {
  const { task } = await findTask(client, name);
  const node = (await listNodes(client)).find(({ id }) => id === task.agent_id.value);
  if (node?.address === undefined || node.address === null)
    throw new BerthError('NODE_NOT_FOUND', {
      what: `task ${task.task_id.value}`,
      why: 'the node that it ran on is not there',
      mend: 'See berth node ls.',
    });
  const container = task.statuses?.findLast(
    ({ container_status }) => container_status?.container_id !== undefined,
  )?.container_status?.container_id?.value;
  const executor = task.executor_id?.value ?? task.task_id.value;
  return {
    agent: new AgentClient(node.address, client.access),
    path: `/frameworks/${task.framework_id.value}/executors/${executor}/runs/${container ?? 'latest'}`,
  };
}

/** Seconds until an agent begins to answer. */
export const patience = 30;
