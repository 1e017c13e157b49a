import { BerthError } from '../../errors/berth-error.js';
import type { Task } from '../../mesos/messages.js';
import type { MasterClient } from './master-client.js';
import { listNodes, sum } from './nodes.js';

/** A task as `berth task` shows it. */
export interface TaskRow {
  id: string;
  name: string;
  framework_id: string;
  node: string;
  node_id: string;
  state: string;
  reason: string | null;
  message: string | null;
  cpus: number;
  /** Bytes. */
  memory: number;
  image: string | null;
  updated_at: string | null;
}

/** Those that have not ended; with `all` also those that have and are remembered. */
export async function listTasks(client: MasterClient, all: boolean): Promise<TaskRow[]> {
  return (await messages(client, all)).map(({ task, node }) => rowOf(task, node));
}

/** The whole of one task, by its id or the beginning of it. */
export async function findTask(client: MasterClient, name: string): Promise<{ task: Task; row: TaskRow }> {
  const known = await messages(client, true);
  const exact = known.filter(({ task }) => task.task_id.value === name);
  const found = exact.length > 0 ? exact : known.filter(({ task }) => task.task_id.value.startsWith(name));
  // Of one that was run again under its old id the one that runs is meant.
  const [first] = found;
  const others = found.slice(1).filter(({ task }) => task.task_id.value !== first?.task.task_id.value);
  if (first === undefined || others.length > 0)
    throw new BerthError('TASK_NOT_FOUND', {
      what: `task ${name}`,
      why: first === undefined ? 'the master knows none with that id' : 'several ids begin so',
      mend: 'berth task ls --all shows ids.',
    });
  return { task: first.task, row: rowOf(first.task, first.node) };
}

async function messages(client: MasterClient, all: boolean): Promise<{ task: Task; node: string }[]> {
  const {
    tasks = [],
    unreachable_tasks = [],
    completed_tasks = [],
  } = await client.ask({ type: 'GET_TASKS' }, 'get_tasks');
  const nodes = new Map((await listNodes(client)).map((node) => [node.id, node.name]));
  return [...tasks, ...unreachable_tasks, ...(all ? completed_tasks : [])].map((task) => ({
    task,
    node: nodes.get(task.agent_id.value) ?? '-',
  }));
}

function rowOf(task: Task, node: string): TaskRow {
  const last = task.statuses?.at(-1);
  return {
    id: task.task_id.value,
    name: task.name,
    framework_id: task.framework_id.value,
    node,
    node_id: task.agent_id.value,
    state: task.state,
    reason: last?.reason ?? null,
    message: last?.message ?? null,
    cpus: sum(task.resources, 'cpus'),
    memory: sum(task.resources, 'mem') * 1024 * 1024,
    image: task.container?.docker?.image ?? task.container?.mesos?.image?.docker?.name ?? null,
    updated_at: last?.timestamp === undefined ? null : new Date(last.timestamp * 1000).toISOString(),
  };
}
