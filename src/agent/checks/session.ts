import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { isNativeError, native } from '../../native/index.js';

/** Kills all processes of a session: a program that was sent into a container leads one, and what it starts is in it unless it leaves (setsid(2)). */
export function killSession(leader: number): void {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const { session, startTime } = statOf(entry) ?? {};
    if (session !== leader || startTime === undefined) continue;
    try {
      native().signalProcess(Number(entry), startTime, constants.signals.SIGKILL);
    } catch (error) {
      // It has ended meanwhile.
      if (!isNativeError(error) || error.code !== 'ESRCH') throw error;
    }
  }
}

/** Undefined: there is no such process any more. */
function statOf(pid: string): { session: number; startTime: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
  // What follows the command's name, which ends at the last parenthesis, starts with field 3 (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { session: Number(fields[6 - 3]), startTime: Number(fields[22 - 3]) };
}
