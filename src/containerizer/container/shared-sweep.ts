import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../../state/live-process.js';
import type { Roots } from '../../state/roots.js';
import { scopeUnitFile } from '../host/systemd-scope.js';
import { closeIdleLayers } from '../image/idle-layers.js';
import { containerIds } from './catalogue.js';
import { cgroupDirectories, cgroupPlaces } from './cgroup-places.js';
import type { StateDocument } from './document.js';
import { whileNobodyLaunches } from './launch-lock.js';

/**
 * Takes away what a root's containers share, if the last of them has gone: cgroups, and the mounts of layers. Whoever starts a container makes them anew. Not while one is
 * being started: it would lose its place.
 */
export function sweepShared(roots: Roots): void {
  const places = cgroupPlaces(roots, 'any');
  const { supervisors, scope } = places;
  const shared = cgroupDirectories(places).map((place) => path.dirname(place));
  whileNobodyLaunches(roots, () => {
    const known = new Set(containerIds(roots));
    // Every one is looked at, also after one that holds a container.
    const held = shared.map((directory) => holdsContainers(directory, supervisors, known));
    if (held.includes(true)) return;
    for (const directory of [...(supervisors === null ? [] : [supervisors]), ...shared])
      removeSoon(directory);
    if (scope !== null) removeAbandonedScope(scope);
    closeIdleLayers(roots);
  });
}

/**
 * Takes away a scope's cgroup that systemd has let go of: that happens when a supervisor came in between its finding the scope empty and its removing it. While
 * systemd has the unit it removes the cgroup itself, and would wait for ever to be told of one that is gone.
 */
function removeAbandonedScope(scope: string): void {
  if (!existsSync(scopeUnitFile)) removeIfEmpty(scope);
}

/** An empty cgroup of a container that is gone is taken away: whoever changed its limits may have made it as it ended. */
function holdsContainers(directory: string, supervisors: string | null, known: Set<string>): boolean {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && path.join(directory, entry.name) !== supervisors)
      .some(({ name }) => known.has(name) || !removeIfEmpty(path.join(directory, name)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

const mostTries = 200;

/** With no container there is at most a supervisor that is ending: it takes a moment to leave. */
function removeSoon(cgroup: string): void {
  for (let tries = 0; tries < mostTries && !removeIfEmpty(cgroup); tries++) pause();
}

const nothing = new Int32Array(new SharedArrayBuffer(4));

/** Stands still for a millisecond. */
export function pause(): void {
  Atomics.wait(nothing, 0, 0, 1);
}

/** The same once a supervisor, whose last words were heard, is really gone: it takes a moment to leave its cgroup. */
export async function sweepAfter(roots: Roots, supervisor: StateDocument | undefined): Promise<void> {
  const tries = 100;
  for (let i = 0; i < tries && supervisor !== undefined; i++) {
    if (!isAlive(supervisor.supervisor, supervisor.boot_id)) break;
    await sleep(1);
  }
  sweepShared(roots);
}

/** False: something is still in it. */
export function removeIfEmpty(cgroup: string): boolean {
  try {
    rmdirSync(cgroup);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false;
    if (code !== 'ENOENT') throw error;
  }
  return true;
}
