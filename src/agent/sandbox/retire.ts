import { discardEnded } from '../../containerizer/container/discard.js';
import type { Agent } from '../agent.js';
import type { SandboxPlace } from './place.js';
import { endSandbox } from './sandbox.js';

/** Removes the container of a sandbox, which has ended: its log stays beside the sandbox, which begins to grow old. */
export function retireContainer(agent: Agent, place: SandboxPlace): void {
  const { roots, config } = agent;
  const { containerId } = place;
  endSandbox(roots, config.sandboxes, place);
  const discard = () => {
    if (!discardEnded(roots, containerId, agent.trash))
      agent.note(`container ${containerId} stays: its cgroup is not empty yet`);
  };
  if (!agent.nested.hasBelow(containerId)) discard();
  else agent.nested.endBelow(containerId, discard).catch((error) => agent.defect(error));
}
