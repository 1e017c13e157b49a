import { removeDamaged } from '../../containerizer/container/remove.js';
import type { Agent } from '../agent.js';
import { type Found, findContainer } from '../container/live-container.js';

/** Milliseconds until a container whose watch has failed is looked for again. */
export const lookAgain = 1000;

/** What became of a container. One that nothing can be found out about, its records being damaged, is ended: whoever cannot be watched must not run. */
export async function recoverContainer(agent: Agent, id: string): Promise<Found> {
  try {
    return await findContainer(agent.roots, id, (error) => agent.defect(error));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    agent.note(`container ${id} is ended, since nothing else can be done with it: ${why}`);
  }
  try {
    await removeDamaged(agent.roots, id);
  } catch (error) {
    // One container is no reason for all others to stay without an agent.
    agent.defect(error);
  }
  return { kind: 'damaged' };
}
