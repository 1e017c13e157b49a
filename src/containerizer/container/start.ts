import { rmSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { places, type Roots } from '../../state/roots.js';
import { forgetRestarts } from '../keeping/restarts.js';
import { type Container, readContainer } from './catalogue.js';
import { removeRunFolder } from './folders.js';
import { isNeverStarted, lockStart, markNeverStarted, readRequest } from './kept-request.js';
import { type LaunchRequest, launchContainer, type RunningContainer } from './launch.js';
import { removeCgroups, settle } from './settle.js';

/**
 * Starts a container that waits to be, or has ended: with what it was asked to be, and what it has written. Undefined: it runs already. When it cannot be
 * started it is as it was, but for the record of its last end.
 */
export async function startContainer(
  roots: Roots,
  { document: { id, name, pod } }: Container,
  request: Pick<LaunchRequest, 'client' | 'onWarning'> & {
    /** It is started by its restart policy, if that is still what is wanted; unset: somebody wants it to run. */
    again?: (now: Container) => boolean;
  },
): Promise<RunningContainer | undefined> {
  if (pod !== undefined)
    throw unfit(name, `it belongs to pod ${pod.name}, which is started as a whole: berth pod run`);
  const lock = lockStart(roots, id, name);
  try {
    const now = readContainer(roots, id);
    if (now === undefined) throw unfit(name, 'it was removed meanwhile');
    const container = settle(roots, now);
    if (container.state === 'running') return undefined;
    const { again, ...wanted } = request;
    if (again?.(container) === false) return undefined;
    if (again === undefined) forgetRestarts(roots, id);
    const first = isNeverStarted(roots, id);
    if (container.state === 'created' && !first) throw unfit(name, 'it is being started');
    const kept = readRequest(roots, id);
    if (kept === undefined) throw unfit(name, 'nothing was kept of how it was made');
    removeCgroups(container);
    removeRunFolder(roots, id);
    rmSync(places.ownFiles(roots, id), { recursive: true, force: true });
    markNeverStarted(roots, id, false);
    try {
      const known = { id, name, createdAt: container.document.created_at };
      return await launchContainer(roots, { ...kept, ...wanted, again: known });
    } catch (error) {
      markNeverStarted(roots, id, first);
      throw error;
    }
  } finally {
    lock?.release();
  }
}

/** For what only a container that runs or has run can be asked. */
export function requireStarted(roots: Roots, { id, name }: Pick<Container['document'], 'id' | 'name'>): void {
  if (isNeverStarted(roots, id)) throw unfit(name, 'it was never started');
}

function unfit(name: string, why: string): BerthError {
  return new BerthError('CONTAINER_STATE', { what: `container ${name}`, why });
}
