import { launchContainer } from '../../containerizer/container/launch.js';
import { provideImage } from '../../containerizer/image/provide.js';
import type { Resource } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import { type LiveContainer, launched } from '../container/live-container.js';
import { firstNetwork } from '../container/networks.js';
import { planContainer } from '../container/plan.js';
import { sandboxPlace } from '../container/workload.js';
import { furnishSandbox } from '../sandbox/furnish.js';
import { makeSandbox } from '../sandbox/sandbox.js';
import { containerFacts } from '../task/container-facts.js';
import type { Task } from '../task/task.js';
import { unlessKilled } from '../task/unless-killed.js';
import { executorVariables } from './environment.js';
import type { Executor } from './executor.js';

/** All that an executor and its tasks may use together. */
export function resourcesOf({ record, tasks }: Executor): Resource[] {
  return [record.info.resources ?? [], ...[...tasks].map(({ info }) => info.resources ?? [])].flat();
}

/** Makes the sandbox, gets the image, and starts the container of an executor for its first task. Undefined: it was to end before its program ran. */
export async function launchExecutor(
  agent: Agent,
  executor: Executor,
  first: Task,
): Promise<LiveContainer | undefined> {
  const { roots, config } = agent;
  const { info, framework } = executor.record;
  const sandbox = makeSandbox(config.sandboxes, agent.placeOf(first));
  const resources = resourcesOf(executor);
  const network = firstNetwork(info.container);
  const plan = planContainer(
    {
      command: info.command ?? {},
      container: info.container,
      resources,
      user: framework.user,
    },
    {
      ...containerFacts(agent, first, sandbox),
      agentDoor: agent.doors.folder,
      variables: executorVariables(agent, executor, network === 'host'),
    },
  );
  const image = await unlessKilled(executor.killed.signal, async () => {
    const image = await provideImage(roots, plan.image.reference, { pull: plan.image.pull });
    if (executor.state !== 'launching') return undefined;
    await furnishSandbox(agent, sandbox, {
      user: plan.options.user ?? image.config.config?.User,
      ...{ image, folders: plan.folders, command: info.command ?? {}, frameworkUser: framework.user },
    });
    return image;
  });
  if (image === undefined) return undefined;
  plan.options.workingDirectory ??= image.config.config?.WorkingDir || sandboxPlace;
  // Whoever comes after a crash of this agent must know what to look for.
  await agent.durable();
  if (executor.state !== 'launching' || agent.closed) return undefined;
  const labels = {
    'org.berth.framework-id': executor.frameworkId,
    'org.berth.executor-id': executor.id,
  };
  const container = await launchContainer(roots, {
    image: { ...image, reference: plan.image.reference },
    options: { ...plan.options, labels: { ...plan.options.labels, ...labels } },
    // As of a command: its log is what it writes.
    client: null,
    id: executor.containerId,
    transient: true,
    onWarning: (text) => agent.note(`executor ${executor.id}: ${text}`),
  });
  return launched(container);
}
