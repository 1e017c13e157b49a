import { readFileSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { native } from '../native/index.js';
import { isNativeError } from '../native/native-error.js';

/** As of setpriority(2): some ten times the share of a CPU that others get, as long as there is something to do. */
const niceness = -10;

/**
 * The main thread of a daemon, which answers and keeps time, goes before what the host's tasks do: it wants little, and at once. What it starts has none of that. A niceness that
 * somebody has chosen stays, and so does that of a process that may not raise its own.
 */
export function takePrecedence(): void {
  if (getPriority() !== 0) return;
  try {
    native().raiseThread(niceness);
    if (leadsSession()) raiseSession();
  } catch (error) {
    if (!isNativeError(error) || error.code !== 'EPERM') throw error;
  }
}

/** As under a service manager; in a terminal there are others in it. */
function leadsSession(): boolean {
  const [, , , session] = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(session) === process.pid;
}

/** There is no such file, it may not be written, or nothing may be below /proc. */
const mayNot: ReadonlySet<string | undefined> = new Set(['ENOENT', 'EPERM', 'EACCES', 'EROFS']);

/**
 * Where no cgroup shares out processors the kernel does so among sessions (sched(7), "The autogroup feature"), and every container's supervisor has one of its own: a niceness counts
 * within one alone. Where there is no such file they are shared out among threads.
 */
function raiseSession(): void {
  try {
    writeFileSync('/proc/self/autogroup', String(niceness));
  } catch (error) {
    if (!mayNot.has((error as NodeJS.ErrnoException).code)) throw error;
  }
}
