import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { layoutOfHost } from '../../containerizer/container/cgroup-places.js';
import { isNativeError, native } from '../../native/index.js';

/** Kills all processes of a session: a program that was sent into a container leads one, and what it starts is in it unless it leaves (setsid(2)). */
export function killSession(leader: number): void {
  for (const pid of candidates(leader)) {
    const { session, startTime } = statOf(pid) ?? {};
    if (session !== leader || startTime === undefined) continue;
    try {
      native().signalProcess(Number(pid), startTime, constants.signals.SIGKILL);
    } catch (error) {
      // It has ended meanwhile.
      if (!isNativeError(error) || error.code !== 'ESRCH') throw error;
    }
  }
}

/** Those of its container, which nothing in it can leave; of the whole host where that is not told: the leader is gone, or there are no groups of version 2. */
function candidates(leader: number): string[] {
  const { unified } = layoutOfHost();
  const groups = unified === null ? undefined : read(`/proc/${leader}/cgroup`);
  const container = /^0::(.*\/berth-[0-9a-f]{8}\/[^/\n]+)/m.exec(groups ?? '')?.[1];
  const members = container === undefined ? [] : membersOf(path.join(unified ?? '', container));
  // The leader alone says that it is the right place.
  if (members.includes(String(leader))) return members;
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
}

/** A container may have groups of its own. */
function membersOf(folder: string): string[] {
  const members = (read(path.join(folder, 'cgroup.procs')) ?? '').split('\n').filter(Boolean);
  return [...members, ...foldersIn(folder).flatMap((name) => membersOf(path.join(folder, name)))];
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (error) {
    if (isOver(error)) return [];
    throw error;
  }
}

/** Undefined: it is gone. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if (isOver(error)) return undefined;
    throw error;
  }
}

/** Of a process or a group that has ended meanwhile. */
function isOver(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Undefined: there is no such process any more. */
function statOf(pid: string): { session: number; startTime: number } | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // What follows the command's name, which ends at the last parenthesis, starts with field 3 (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { session: Number(fields[6 - 3]), startTime: Number(fields[22 - 3]) };
}
