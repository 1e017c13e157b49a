import path from 'node:path';
import { isNativeError, native } from '../../native/index.js';
import { isAlive } from '../../state/live-process.js';
import { FileLock } from '../../state/lock.js';
import { places, type Roots } from '../../state/roots.js';
import { tellDestroyed, tellLostEnd } from '../events/container-end.js';
import { type Container, readContainer } from './catalogue.js';
import { killCgroup } from './cgroup-kill.js';
import { cgroupDirectories } from './cgroup-places.js';
import type { ContainerDocument } from './document.js';
import { recordExit } from './exit-record.js';
import { removeFolders } from './folders.js';
import { withdrawPorts } from './network.js';
import { pause, removeIfEmpty, sweepShared } from './shared-sweep.js';
import { supervisorLost } from './supervisor-lost.js';
import { discardAnonymous } from './volumes.js';

const SIGKILL = 9;

/**
 * Brings a container whose supervisor was killed to its end: whatever of it still runs is killed, and its end is recorded as `137, supervisor lost`. Others are
 * returned as they are. Done once when several want to at the same time.
 */
export function settle(roots: Roots, container: Container): Container {
  if (container.state !== 'lost') return container;
  const { id } = container.document;
  const lock = lockSettling(roots, id);
  // Somebody else is at it, and stopped in the middle: the next to look tries again.
  if (lock === 'taken') return container;
  try {
    const now = readContainer(roots, id);
    if (now === undefined) return { ...container, state: 'exited', paused: false, exit: supervisorLost() };
    return settleLocked(roots, now);
  } finally {
    lock?.release();
  }
}

/** Undefined: there is no folder of it any more. */
function lockSettling(roots: Roots, id: string): FileLock | 'taken' | undefined {
  const file = path.join(places.run(roots, id), 'settle.lock');
  try {
    for (let tries = 0; tries < mostTries; tries++) {
      const lock = FileLock.attempt(file);
      if (lock !== undefined) return lock;
      pause();
    }
    return 'taken';
  } catch (error) {
    if (isNativeError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function settleLocked(roots: Roots, container: Container): Container {
  const { document, process } = container;
  if (container.state !== 'lost' || process === undefined) return container;
  if (isAlive(process.task, process.boot_id)) killTask(process.task.pid, process.task.start_time);
  killCgroup(document.cgroup_places);
  // Something in them outlasts even that: it stays lost, and the next to look tries again.
  if (!removeCgroups(container)) return container;
  sweepShared(roots);
  withdrawPorts(roots, document);
  const exit = supervisorLost();
  const run = { pid: process.task.pid, startedAt: process.started_at };
  tellLostEnd(roots, document, run, exit);
  if (document.remove) {
    discardAnonymous(roots, document);
    removeFolders(roots, document, (gone) => tellDestroyed(roots, document, gone));
  } else if (!recordExit(roots, document.id, exit)) {
    // No room: it stays lost, and the next to look tries again.
    return { ...container, exit };
  }
  return readContainer(roots, document.id) ?? { ...container, state: 'exited', paused: false, exit };
}

function killTask(pid: number, startTime: number): void {
  try {
    native().signalProcess(pid, startTime, SIGKILL);
  } catch (error) {
    if (!isNativeError(error) || error.code !== 'ESRCH') throw error;
  }
}

/**
 * Removes a container's cgroups. One that still has processes is given the moment that they take to die after they were killed; False: they outlast it.
 */
export function removeCgroups({ document }: { document: Pick<ContainerDocument, 'cgroup_places'> }): boolean {
  const left = cgroupDirectories(document.cgroup_places).filter((directory) => {
    for (let tries = 0; tries < mostTries && !removeIfEmpty(directory); tries++) pause();
    return !removeIfEmpty(directory);
  });
  return left.length === 0;
}

const mostTries = 200;
