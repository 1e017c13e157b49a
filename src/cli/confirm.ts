import { createInterface } from 'node:readline/promises';
import { usageError } from './report.js';

/** Asks on the terminal before something is done that cannot be undone; with no terminal to ask on it refuses. */
export async function confirm(verb: string, what: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw usageError(verb, 'there is no terminal to ask on', `To go on unasked: berth ${verb} -f.`);
  const person = createInterface({ input: process.stdin, output: process.stderr });
  const left = new AbortController();
  person.once('close', () => left.abort());
  try {
    const answer = await person.question(`${what}\nGo on? [y/N] `, { signal: left.signal });
    return /^\s*y(es)?\s*$/i.test(answer);
  } catch (error) {
    // The end of the input is no yes.
    if ((error as Error).name !== 'AbortError') throw error;
    return false;
  } finally {
    person.close();
  }
}
