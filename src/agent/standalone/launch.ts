import { launchContainer } from '../../containerizer/container/launch.js';
import { newId } from '../../containerizer/container/names.js';
import { provideImage } from '../../containerizer/image/provide.js';
import type { AgentCallLaunchContainer } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import { planContainer } from '../container/plan.js';
import { sandboxPlace } from '../container/workload.js';
import { furnishSandbox } from '../sandbox/furnish.js';
import type { SandboxPlace } from '../sandbox/place.js';
import { makeSandbox } from '../sandbox/sandbox.js';
import { containerFacts } from '../task/container-facts.js';

/** In place of a framework's id, which no framework has. */
export const nobodys = 'standalone';

/** Where the sandbox of a container lies that belongs to no framework. */
export function standalonePlace(
  { id: agentId = nobodys }: Agent,
  name: string,
  containerId: string,
): SandboxPlace {
  return { agentId, frameworkId: nobodys, executorId: name, containerId };
}

/** Starts a container that an operator asks for, and nobody in the cluster knows of. Its name is the id that he gave. */
export async function launchStandalone(agent: Agent, call: AgentCallLaunchContainer): Promise<void> {
  const { roots, config } = agent;
  const { container_id, command = {}, container, resources = [], limits } = call;
  const name = container_id.value;
  const place = standalonePlace(agent, name, newId());
  const { frameworkId, executorId, containerId } = place;
  const sandbox = makeSandbox(config.sandboxes, place);
  const facts = containerFacts(agent, { id: name, frameworkId, executorId, containerId }, sandbox);
  const plan = planContainer({ command, container, resources, limits, user: 'root' }, facts);
  const image = await provideImage(roots, plan.image.reference, { pull: plan.image.pull });
  plan.options.workingDirectory ??= image.config.config?.WorkingDir || sandboxPlace;
  await furnishSandbox(agent, sandbox, {
    user: plan.options.user ?? image.config.config?.User,
    ...{ image, folders: plan.folders, command, frameworkUser: 'root' },
  });
  await launchContainer(roots, {
    image: { ...image, reference: plan.image.reference },
    options: { ...plan.options, name },
    client: null,
    id: containerId,
    transient: true,
    onWarning: (text) => agent.note(`container ${name}: ${text}`),
  });
}
