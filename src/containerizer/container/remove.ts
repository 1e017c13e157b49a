import { constants } from 'node:os';
import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';
import { tellDestroyed } from '../events/container-end.js';
import { type Container, readContainer } from './catalogue.js';
import { killCgroup } from './cgroup-kill.js';
import { cgroupPlaces } from './cgroup-places.js';
import { awaitExit, sendSignal } from './control.js';
import { removeDebris } from './debris.js';
import type { ContainerDocument } from './document.js';
import { removeFolders } from './folders.js';
import { isNeverStarted, lockStart } from './kept-request.js';
import { whileNobodyLaunches } from './launch-lock.js';
import { namesOf } from './name-links.js';
import { refreshNeighbours } from './neighbours.js';
import { removeCgroups, settle } from './settle.js';
import { sweepShared } from './shared-sweep.js';
import { stopContainer } from './stop.js';
import { removeAnonymous } from './volume-users.js';
import { discardAnonymous } from './volumes.js';

/** Removes a container that has ended; with `force` one that runs is killed first, with `volumes` those that it alone has go too. */
export async function removeContainer(
  roots: Roots,
  found: Container,
  options: { force: boolean; volumes?: boolean },
): Promise<void> {
  const { id, name } = found.document;
  const lock = lockStart(roots, id, name);
  try {
    await removeLocked(roots, settle(roots, found), options);
  } finally {
    lock?.release();
  }
}

async function removeLocked(
  roots: Roots,
  container: Container,
  options: { force: boolean; volumes?: boolean },
): Promise<void> {
  const { document } = container;
  if (container.state === 'running') {
    if (!options.force) {
      throw new BerthError('CONTAINER_STATE', {
        what: `container ${document.name}`,
        why: 'it is running',
        mend: `Stop it first (berth stop ${document.name}), or use rm -f.`,
      });
    }
    await stopContainer(roots, container, { graceSeconds: 0 });
  }
  const unsure = container.exit === undefined && container.state !== 'running';
  if (unsure && !isNeverStarted(roots, document.id)) removeUnlessLaunching(roots, document);
  else removeAll(roots, document);
  await refreshNeighbours(roots, document);
  if (options.volumes === true) removeAnonymous(roots, document);
  removeDebris(roots);
  sweepShared(roots);
}

function removeAll(roots: Roots, document: ContainerDocument): void {
  killCgroup(document.cgroup_places);
  removeCgroups({ document });
  if (document.remove) discardAnonymous(roots, document);
  removeFolders(roots, document, (gone) => tellDestroyed(roots, document, gone));
}

/** With neither a supervisor nor an end on record it may be on its way, or was before a restart of the host. */
function removeUnlessLaunching(roots: Roots, document: ContainerDocument): void {
  const alone = whileNobodyLaunches(roots, () => {
    if (readContainer(roots, document.id)?.state !== 'running') removeAll(roots, document);
  });
  if (alone && readContainer(roots, document.id) === undefined) return;
  throw new BerthError('CONTAINER_STATE', {
    what: `container ${document.name}`,
    why: 'it is being started',
    mend: 'Try again in a moment.',
  });
}

/** Removes a container whose records are damaged: what can be known without them is its id. */
export async function removeDamaged(roots: Roots, id: string): Promise<void> {
  const ended = awaitExit(roots, id);
  await sendSignal(roots, id, constants.signals.SIGKILL);
  await ended;
  const cgroup_places = cgroupPlaces(roots, id);
  killCgroup(cgroup_places);
  removeCgroups({ document: { cgroup_places } });
  const [name = id] = namesOf(roots, id);
  removeFolders(roots, { id, name });
  tellDestroyed(roots, { id, name, image: '', created_at: new Date().toISOString() }, true);
  sweepShared(roots);
}
