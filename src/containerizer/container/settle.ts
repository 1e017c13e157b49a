import path from 'node:path';
import { isNativeError, native } from '../../native/index.js';
import { writeWhole } from '../../state/atomic-file.js';
import { isAlive } from '../../state/live-process.js';
import { places, type Roots } from '../../state/roots.js';
import { type Container, readContainer } from './catalogue.js';
import { killCgroup } from './cgroup-kill.js';
import { cgroupDirectories } from './cgroup-places.js';
import { pause, removeIfEmpty, sweepCgroups } from './cgroup-sweep.js';
import type { ContainerDocument } from './document.js';
import { removeFolders } from './folders.js';
import { withdrawPorts } from './network.js';
import { supervisorLost } from './supervisor-lost.js';
import { discardAnonymous } from './volumes.js';

const SIGKILL = 9;

/**
 * Brings a container whose supervisor was killed to its end: whatever of it still runs is killed, and its end is recorded as `137, supervisor lost`. Others are
 * returned as they are. Harmless when several do it at once.
 */
export function settle(roots: Roots, container: Container): Container {
  const { document, process } = container;
  if (container.state !== 'lost' || process === undefined) return container;
  if (isAlive(process.task, process.boot_id)) killTask(process.task.pid, process.task.start_time);
  killCgroup(document.cgroup_places);
  // Something in them outlasts even that: it stays lost, and the next to look tries again.
  if (!removeCgroups(container)) return container;
  sweepCgroups(roots);
  withdrawPorts(roots, document);
  const exit = supervisorLost();
  if (document.remove) {
    discardAnonymous(roots, document);
    removeFolders(roots, document);
  } else {
    writeWhole(path.join(places.run(roots, document.id), 'exit.json'), JSON.stringify(exit));
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
