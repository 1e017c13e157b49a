import { readdirSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { readDocument } from '../../state/json-file.js';
import { isAlive } from '../../state/live-process.js';
import { places, type Roots } from '../../state/roots.js';
import { isHeld } from './cgroup-freezer.js';
import { readRecord } from './container-record.js';
import type { ContainerDocument, ExitDocument, StateDocument } from './document.js';
import { isNeverStarted } from './kept-request.js';
import { holderOf } from './name-links.js';

/**
 * `created`: never started yet (`berth create`), being launched, or its launch was interrupted; `running`: its supervisor lives; `exited`: its end is recorded, or the host was restarted;
 * `lost`: the supervisor was killed before it could record anything.
 */
export type ContainerState = 'created' | 'running' | 'exited' | 'lost';

export interface Container {
  document: ContainerDocument;
  state: ContainerState;
  /** It runs, and its processes are held (`berth pause`). */
  paused: boolean;
  process: StateDocument | undefined;
  exit: ExitDocument | undefined;
}

/**
 * Every container of an installation, oldest first. Only reads. One whose records are damaged is told to `onDamaged` and left out, so that it does not
 * hide the others; without an `onDamaged` it throws.
 */
export function listContainers(roots: Roots, onDamaged?: (error: BerthError) => void): Container[] {
  return containerIds(roots)
    .map((id) => readOrTell(roots, id, onDamaged))
    .filter((container) => container !== undefined)
    .sort((a, b) => a.document.created_at.localeCompare(b.document.created_at));
}

/** A container whose damaged records are told instead of thrown. */
export function readOrTell(
  roots: Roots,
  id: string,
  onDamaged?: (error: BerthError) => void,
): Container | undefined {
  try {
    return readContainer(roots, id);
  } catch (error) {
    if (onDamaged === undefined || !(error instanceof BerthError)) throw error;
    onDamaged(error);
    return undefined;
  }
}

/** Every id that has a folder, recorded or not. */
export function containerIds(roots: Roots): string[] {
  return [...new Set([...foldersIn(places.running(roots)), ...foldersIn(places.containers(roots))])];
}

/** One container by its id; undefined when its folders hold no document (a launch that was cut off at its very start). */
export function readContainer(roots: Roots, id: string): Container | undefined {
  const folder = places.run(roots, id);
  const document =
    readRecord(path.join(folder, 'container.json')) ??
    readRecord(path.join(places.container(roots, id), 'container.json'));
  if (document === undefined) return undefined;
  const process = readDocument<StateDocument>(path.join(folder, 'state.json'), 1);
  // Asked before the exit record is read: a supervisor that ends in between has left its record by then.
  const supervised = process !== undefined && isAlive(process.supervisor, process.boot_id);
  const exit = readDocument<ExitDocument>(path.join(folder, 'exit.json'), 1);
  const state = isNeverStarted(roots, id)
    ? 'created'
    : stateOf(foldersExist(folder), process, supervised, exit);
  const paused = state === 'running' && isHeld(document.cgroup_places);
  return { document, state, paused, process, exit };
}

/** What its records call a container: one name, or two while it is being renamed. */
export function namesOnRecord(roots: Roots, id: string): string[] {
  return [places.run(roots, id), places.container(roots, id)].flatMap((folder) => {
    const document = readRecord(path.join(folder, 'container.json'));
    return document === undefined ? [] : [document.name];
  });
}

/** The state as a person is told it. */
export function shownState({
  state,
  paused,
}: Pick<Container, 'state' | 'paused'>): ContainerState | 'paused' {
  return paused ? 'paused' : state;
}

function stateOf(
  thisBoot: boolean,
  process: StateDocument | undefined,
  supervised: boolean,
  exit: ExitDocument | undefined,
): ContainerState {
  if (exit !== undefined || !thisBoot) return 'exited';
  if (process === undefined) return 'created';
  return supervised ? 'running' : 'lost';
}

/** The container that a person means: its id, its name, or a beginning of its id that fits no other. */
export function findContainer(roots: Roots, wanted: string): Container {
  const container = readContainer(roots, findId(roots, wanted));
  if (container === undefined) throw notFound(wanted);
  return container;
}

/** The id of that container. No container's records are read: those of others may be damaged. */
export function findId(roots: Roots, wanted: string): string {
  const all = containerIds(roots);
  if (all.includes(wanted)) return wanted;
  const named = holderOf(roots, wanted);
  if (named !== undefined && all.includes(named)) return named;
  const [only, second, ...more] = wanted === '' ? [] : all.filter((id) => id.startsWith(wanted));
  if (only === undefined) throw notFound(wanted);
  if (second !== undefined) {
    throw new BerthError('CONTAINER_AMBIGUOUS', {
      what: `container ${wanted}`,
      why: `${more.length + 2} containers have ids that begin so`,
      mend: `Give more of the id: ${only} or ${second}, for example.`,
    });
  }
  return only;
}

function notFound(wanted: string): BerthError {
  return new BerthError('CONTAINER_NOT_FOUND', {
    what: `container ${wanted}`,
    why: 'no container has that name or id',
    mend: 'See berth ps -a.',
  });
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function foldersExist(folder: string): boolean {
  try {
    readdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
