import { renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { writeWhole } from '../../state/atomic-file.js';
import { FileLock } from '../../state/lock.js';
import { places, type Roots } from '../../state/roots.js';
import { tellContainer } from '../events/tell.js';
import { type Container, readContainer } from './catalogue.js';
import { readRecord } from './container-record.js';
import { lockStart } from './kept-request.js';
import { announce } from './launch.js';
import { releaseName } from './names.js';
import { refreshNeighbours } from './neighbours.js';

/**
 * Gives a container another name, whatever its state. From the first step on the new name leads to it, and until the last the old one does: whoever is killed in between
 * leaves it one that works, and the next to rename it, or to clear up, goes on from there.
 */
export async function renameContainer(roots: Roots, found: Container, name: string): Promise<void> {
  const { id, name: old } = found.document;
  if (name === old) {
    throw new BerthError('USAGE', { what: `rename ${old} ${name}`, why: 'it has that name already' });
  }
  const lock = lockStart(roots, id, old);
  try {
    const launching = await announce(roots, name, id, `rename ${old} ${name}`);
    try {
      await renameAnnounced(roots, id, name);
    } finally {
      launching.release();
    }
  } finally {
    lock?.release();
  }
}

async function renameAnnounced(roots: Roots, id: string, name: string): Promise<void> {
  // As for who updates it: what is on record is read, changed and written.
  const lock = await FileLock.take(path.join(roots.root, 'update.lock'));
  try {
    const now = readContainer(roots, id)?.document;
    if (now === undefined) {
      releaseName(roots, name, id);
      throw new BerthError('CONTAINER_STATE', { what: `container ${id}`, why: 'it was removed meanwhile' });
    }
    record(roots, id, now.name, name);
    releaseName(roots, now.name, id);
    await refreshNeighbours(roots, now);
    tellContainer(roots, { ...now, name }, 'rename', { old_name: now.name });
  } finally {
    lock.release();
  }
}

/** In all that says what the container is called; as before, where one cannot be written. */
function record(roots: Roots, id: string, old: string, name: string): void {
  const undo: (() => void)[] = [];
  try {
    undo.push(() => tellSupervisor(roots, id, old));
    tellSupervisor(roots, id, name);
    for (const folder of [places.run(roots, id), places.container(roots, id)]) {
      const file = path.join(folder, 'container.json');
      const document = readRecord(file);
      if (document === undefined) continue;
      writeWhole(file, JSON.stringify({ ...document, name }));
      undo.push(() => writeWhole(file, JSON.stringify(document)));
    }
  } catch (error) {
    for (const step of undo.reverse()) step();
    releaseName(roots, name, id);
    throw error;
  }
}

/** Its supervisor asks at the end which name goes with it, and what to call it in events (native/init/current_name.cc). */
function tellSupervisor(roots: Roots, id: string, name: string): void {
  const link = path.join(places.container(roots, id), 'name');
  const temporary = `${link}.new`;
  rmSync(temporary, { force: true });
  symlinkSync(name, temporary);
  renameSync(temporary, link);
}
