import { launchContainer } from '../../containerizer/container/launch.js';
import type { ContainerOptions } from '../../containerizer/container/options.js';
import { provideImage } from '../../containerizer/image/provide.js';
import type { Agent } from '../agent.js';
import { type LiveContainer, launched } from '../container/live-container.js';
import { planContainer } from '../container/plan.js';
import { sandboxPlace } from '../container/workload.js';
import { furnishSandbox } from '../sandbox/furnish.js';
import { makeSandbox } from '../sandbox/sandbox.js';
import { containerFacts } from './container-facts.js';
import type { Task } from './task.js';
import { unlessKilled } from './unless-killed.js';

/** What the tasks of a group have of their executor. */
export interface Surroundings {
  /** What the task comes to in their midst. */
  within(options: ContainerOptions): ContainerOptions;
  parentSandbox: string;
}

/** Makes the sandbox, gets the image, and starts the container of a task. Undefined: the task was to end before its program ran. */
export async function launchCommand(
  agent: Agent,
  task: Task,
  around?: Surroundings,
): Promise<LiveContainer | undefined> {
  const { roots, config } = agent;
  const { info, framework } = task;
  const sandbox = makeSandbox(config.sandboxes, agent.placeOf(task));
  const plan = planContainer(
    {
      command: info.command ?? {},
      container: info.container,
      resources: info.resources ?? [],
      limits: info.limits,
      user: framework.user,
    },
    { ...containerFacts(agent, task, sandbox), parentSandbox: around?.parentSandbox },
  );
  if (around !== undefined) plan.options = around.within(plan.options);
  // Both may take long, and nothing runs yet.
  const image = await unlessKilled(task.killed.signal, async () => {
    const image = await provideImage(roots, plan.image.reference, { pull: plan.image.pull });
    if (task.kill !== undefined) return undefined;
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
  return agent.launches.take(task.killed.signal, async () => {
    if (task.kill !== undefined || agent.closed) return undefined;
    const container = await launchContainer(roots, {
      image: { ...image, reference: plan.image.reference },
      options: { ...plan.options, labels: { ...plan.options.labels, ...labelsOf(task) } },
      // What it writes is in its log; the files API shows that as `stdout` and `stderr` of the sandbox.
      client: null,
      id: task.containerId,
      transient: true,
      onWarning: (text) => agent.note(`task ${task.id}: ${text}`),
    });
    return launched(container);
  });
}

/** Told to people by `inspect` and `ps`; nothing follows from them. */
function labelsOf({ id, frameworkId }: Task): Record<string, string> {
  return { 'org.berth.framework-id': frameworkId, 'org.berth.task-id': id };
}
