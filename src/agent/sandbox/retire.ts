import { discardEnded } from '../../containerizer/container/discard.js';
import type { Agent } from '../agent.js';
import type { SandboxPlace } from './place.js';
import { endSandbox } from './sandbox.js';

/** Removes the container of a sandbox, which has ended: its log stays beside the sandbox, which begins to grow old. */
export function retireContainer({ roots, config }: Agent, place: SandboxPlace): void {
  endSandbox(roots, config.sandboxes, place);
  discardEnded(roots, place.containerId);
}
