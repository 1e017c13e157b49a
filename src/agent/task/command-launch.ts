import { chmodSync, chownSync, closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { launchContainer } from '../../containerizer/container/launch.js';
import { provideImage } from '../../containerizer/image/provide.js';
import type { Agent } from '../agent.js';
import { type LiveContainer, launched } from '../container/live-container.js';
import { planContainer } from '../container/plan.js';
import { sandboxPlace } from '../container/workload.js';
import { containerFacts } from './container-facts.js';
import { makeSandbox } from './sandbox-folder.js';
import type { Task } from './task.js';

/** Makes the sandbox, gets the image, and starts the container of a task. Undefined: the task was to end before its program ran. */
export async function launchCommand(agent: Agent, task: Task): Promise<LiveContainer | undefined> {
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
    containerFacts(agent, task, sandbox),
  );
  for (const folder of plan.folders) mkdirSync(folder, { recursive: true, mode: 0o755 });
  const image = await provideImage(roots, plan.image.reference, { pull: plan.image.pull });
  plan.options.workingDirectory ??= image.config.config?.WorkingDir || sandboxPlace;
  giveSandbox(sandbox, plan.options.user ?? image.config.config?.User);
  // Whoever comes after a crash of this agent must know what to look for.
  await agent.durable();
  if (task.kill !== undefined) return undefined;
  const [stdout = -1, stderr = -1] = ['stdout', 'stderr'].map((name) =>
    openSync(path.join(sandbox, name), 'a', 0o644),
  );
  try {
    const container = await launchContainer(roots, {
      image: { ...image, reference: plan.image.reference },
      options: { ...plan.options, labels: { ...plan.options.labels, ...labelsOf(task) } },
      client: { stdout, stderr },
      id: task.containerId,
      transient: true,
      onWarning: (text) => agent.note(`task ${task.id}: ${text}`),
    });
    return launched(container);
  } finally {
    closeSync(stdout);
    closeSync(stderr);
  }
}

/** Told to people by `inspect` and `ps`; nothing follows from them. */
function labelsOf({ id, frameworkId }: Task): Record<string, string> {
  return { 'org.berth.framework-id': frameworkId, 'org.berth.task-id': id };
}

/** The sandbox is the user's own where his id is known without looking into an image; else everybody's who sees it. */
export function giveSandbox(sandbox: string, user: string | undefined): void {
  const id = /^(\d+)(?::(\d+))?$/.exec(user ?? '0');
  if (user === undefined || user === '' || user === 'root') return;
  if (id === null) chmodSync(sandbox, 0o777);
  else chownSync(sandbox, Number(id[1]), Number(id[2] ?? id[1]));
}
