import { BerthError } from '../errors/berth-error.js';
import { report } from './report.js';
import type { Context } from './verb.js';

/**
 * Does the same to several containers, or pods, one after the other, and prints each name as Docker does. A failure is told and the others still get their turn; the status is then
 * that of the first failure. One that `act` finds absent, where that is no failure, is passed over.
 */
export async function forEachContainer(
  context: Context,
  wanted: string[],
  act: (id: string) => Promise<unknown>,
  kind: 'containers' | 'pods' = 'containers',
): Promise<number> {
  let status = 0;
  const done: string[] = [];
  for (const id of wanted) {
    try {
      if ((await act(id)) === 'absent') continue;
      done.push(id);
      if (!context.json) context.out(`${id}\n`);
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      const failed = report(error, id);
      status ||= failed;
    }
  }
  if (context.json) context.out(`${JSON.stringify({ [kind]: done })}\n`);
  return status;
}
