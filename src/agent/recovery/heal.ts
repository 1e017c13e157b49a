import { collectGarbage } from '../../containerizer/garbage/collect.js';
import { trashFolders } from '../../containerizer/garbage/container-leaks.js';
import { BerthError } from '../../errors/berth-error.js';
import type { Agent } from '../agent.js';

/** Takes away what is left of launches that died with the last agent, and goes on with its removals. */
export async function heal(agent: Agent): Promise<void> {
  for (const folder of trashFolders(agent.roots)) agent.trash.add(folder);
  try {
    for (const { kind, name, detail, healed } of await collectGarbage(agent.roots, { dryRun: false }))
      agent.note(`${healed ? 'healed' : 'could not heal'}: ${kind} ${name}: ${detail}`);
  } catch (error) {
    // Somebody else launches all the time: the next agent, or `berth gc`, will find it.
    if (!(error instanceof BerthError)) throw error;
    agent.note(error.message);
  }
}
