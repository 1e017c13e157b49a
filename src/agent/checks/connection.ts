import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { isNativeError, native } from '../../native/index.js';
import { type ProbedProcess, Unanswered } from './probe.js';

export interface Target {
  address: '127.0.0.1' | '::1';
  port: number;
}

/**
 * A connection that begins where the task's own would: in its network namespace, as its user. A service on this host that trusts whom the kernel names must not take a check for the agent itself. Rejects
 * with Unanswered.
 */
export async function connectAsTask(
  { pid, startTime }: ProbedProcess,
  { address, port }: Target,
  milliseconds: number,
): Promise<Socket> {
  const user = userOf(pid);
  try {
    const fd = await native().connectInNetwork({ pid, startTime, user, address, port, milliseconds });
    return new Socket({ fd, readable: true, writable: true });
  } catch (error) {
    if (isNativeError(error)) throw new Unanswered(`no connection to port ${port}: ${error.message}`);
    throw error;
  }
}

/** The effective user on the host. The pid is checked when the connection is made. */
function userOf(pid: number): number {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') throw new Unanswered('the task has ended');
    throw error;
  }
  const user = /^Uid:\t\d+\t(\d+)/m.exec(status)?.[1];
  if (user === undefined) throw new Unanswered('the task has ended');
  return Number(user);
}
