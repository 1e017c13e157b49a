import { collectGarbage } from '../../containerizer/garbage/collect.js';
import { BerthError } from '../../errors/berth-error.js';
import type { Agent } from '../agent.js';

/** Takes away what is left of launches that died with the last agent. */
export async function heal(agent: Agent): Promise<void> {
  try {
    for (const { kind, name, detail, healed } of await collectGarbage(agent.roots, { dryRun: false }))
      agent.note(`${healed ? 'healed' : 'could not heal'}: ${kind} ${name}: ${detail}`);
  } catch (error) {
    // Somebody else launches all the time: the next agent, or `berth gc`, will find it.
    if (!(error instanceof BerthError)) throw error;
    agent.note(error.message);
  }
}
