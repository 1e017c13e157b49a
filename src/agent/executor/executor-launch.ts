import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { launchContainer } from '../../containerizer/container/launch.js';
import { provideImage } from '../../containerizer/image/provide.js';
import type { Resource } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import { type LiveContainer, launched } from '../container/live-container.js';
import { planContainer } from '../container/plan.js';
import { giveSandbox } from '../task/command-launch.js';
import { containerFacts } from '../task/container-facts.js';
import { makeSandbox } from '../task/sandbox-folder.js';
import type { Task } from '../task/task.js';
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
  const plan = planContainer(
    {
      command: info.command ?? {},
      container: info.container,
      resources: resourcesOf(executor),
      user: framework.user,
    },
    { ...containerFacts(agent, first, sandbox), variables: executorVariables(agent, executor) },
  );
  for (const folder of plan.folders) mkdirSync(folder, { recursive: true, mode: 0o755 });
  const image = await provideImage(roots, plan.image.reference, { pull: plan.image.pull });
  giveSandbox(sandbox, plan.options.user ?? image.config.config?.User);
  // Whoever comes after a crash of this agent must know what to look for.
  await agent.durable();
  if (executor.state !== 'launching') return undefined;
  const [stdout = -1, stderr = -1] = ['stdout', 'stderr'].map((name) =>
    openSync(path.join(sandbox, name), 'a', 0o644),
  );
  try {
    const labels = {
      'org.berth.framework-id': executor.frameworkId,
      'org.berth.executor-id': executor.id,
    };
    const container = await launchContainer(roots, {
      image: { ...image, reference: plan.image.reference },
      options: { ...plan.options, labels: { ...plan.options.labels, ...labels } },
      client: { stdout, stderr },
      id: executor.containerId,
      transient: true,
      onWarning: (text) => agent.note(`executor ${executor.id}: ${text}`),
    });
    return launched(container);
  } finally {
    closeSync(stdout);
    closeSync(stderr);
  }
}
