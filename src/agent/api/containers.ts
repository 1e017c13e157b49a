import { containerIds } from '../../containerizer/container/catalogue.js';
import type { InspectedTask } from '../../inspect/task-source.js';
import type {
  AgentResponseGetContainersContainer,
  ContainerID,
  ResourceStatistics,
} from '../../mesos/messages.js';
import type { Task } from '../task/task.js';
import type { ApiContext } from './context.js';

/** What an entry was made of, beside the statistics. */
interface Made {
  container: InspectedTask;
  task: Task | undefined;
  name: ContainerID | undefined;
}

/** Entries by the statistics in them: the same as long as nothing else is known, so that what was made of one can be kept. */
const known = new WeakMap<ResourceStatistics, { of: Made; entry: AgentResponseGetContainersContainer }>();

/** The containers of this agent's tasks that run, with `standalone` those of nobody in the cluster, which `berth run` began or this API, and with `nested` those below others. */
export async function containersOf(
  { agent, containers, statistics: board }: ApiContext,
  { standalone, nested }: { standalone: boolean; nested: boolean },
): Promise<AgentResponseGetContainersContainer[]> {
  const owners = new Map([...agent.tasks.values()].map((task) => [task.containerId, task]));
  const names = agent.nested.names();
  const wanted = (id: string) => (names.has(id) ? nested : standalone || owners.has(id));
  const ids = standalone
    ? containerIds(agent.roots)
    : [...owners].filter(([, task]) => mayRun(agent, task)).map(([id]) => id);
  if (!standalone && nested) ids.push(...names.keys());
  const running = await containers.running(ids.filter(wanted));
  const statistics = await board.of(running, (error) => agent.defect(error));
  return running.map((container, index) => {
    const of = { container, task: owners.get(container.id), name: names.get(container.id) };
    const figures = statistics[index];
    return figures === undefined ? entryOf(of) : knownEntry(of, figures);
  });
}

/** Of a thousand tasks that are to be launched there is no record to look for yet, and none any more of those that have ended. */
function mayRun({ commands }: ApiContext['agent'], task: Task): boolean {
  return task.runner !== commands || commands.containerOf(task) !== undefined;
}

function knownEntry(of: Made, figures: ResourceStatistics): AgentResponseGetContainersContainer {
  const before = known.get(figures);
  if (
    before !== undefined &&
    before.of.container === of.container &&
    before.of.task === of.task &&
    before.of.name === of.name
  )
    return before.entry;
  const entry = { ...entryOf(of), resource_statistics: figures };
  known.set(figures, { of, entry });
  return entry;
}

function entryOf({ container, task, name }: Made): AgentResponseGetContainersContainer {
  const id = name ?? { value: container.id };
  return {
    container_id: id,
    ...(task !== undefined && {
      framework_id: { value: task.frameworkId },
      executor_id: { value: task.executorId },
      executor_name: task.info.executor?.name ?? `Command Executor (Task: ${task.id})`,
    }),
    container_status: {
      container_id: id,
      ...(container.pid !== null && { executor_pid: container.pid }),
      network_infos: [
        { ip_addresses: container.address ? [{ protocol: 'IPv4', ip_address: container.address }] : [] },
      ],
    },
  };
}
