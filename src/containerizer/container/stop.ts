import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';
import { tellContainer } from '../events/tell.js';
import { markStopped } from '../keeping/restarts.js';
import type { Container } from './catalogue.js';
import { letGo } from './cgroup-freezer.js';
import { awaitExit, sendSignal } from './control.js';
import type { ExitDocument } from './document.js';
import { describeErrno } from './launch-error.js';
import { refreshNeighbours } from './neighbours.js';
import { sweepAfter } from './shared-sweep.js';
import { existingSignal } from './signals.js';
import { waitForExit } from './wait.js';

/** Signals the container's first process. */
export async function signalContainer(
  roots: Roots,
  { document, state }: Container,
  signal: number,
): Promise<void> {
  const ends = signal === SIGKILL || signal === existingSignal(document.stop_signal);
  if (ends && document.restart !== undefined && state === 'running') markStopped(roots, document.id);
  const outcome = state === 'running' ? await sendSignal(roots, document.id, signal) : undefined;
  if (outcome === undefined) {
    throw new BerthError('CONTAINER_STATE', { what: `container ${document.name}`, why: 'it is not running' });
  }
  if (outcome !== 0) {
    throw new BerthError('CONTAINER_STATE', {
      what: `container ${document.name}`,
      why: `cannot be signalled: ${describeErrno(outcome)}`,
    });
  }
  // What is meant to end it must reach it; any other signal waits until a paused container goes on.
  if (ends) letGo(document.cgroup_places);
}

const SIGKILL = 9;
/** Seconds. */
const defaultGrace = 10;

export interface StopOptions {
  /** Instead of its stop signal. */
  signal?: number;
  /** Instead of its own. */
  graceSeconds?: number;
}

/** Asks the container to end with its stop signal, and kills it after the grace, by default the container's own. One that has ended already is left as it is. */
export async function stopContainer(
  roots: Roots,
  container: Container,
  options: StopOptions = {},
): Promise<ExitDocument> {
  const { document } = container;
  const grace = options.graceSeconds ?? document.stop_timeout ?? defaultGrace;
  if (document.restart !== undefined) markStopped(roots, document.id);
  // Listening before signalling: an end in between cannot be missed.
  const ended = awaitExit(roots, document.id);
  if (grace > 0) {
    await sendSignal(roots, document.id, options.signal ?? existingSignal(document.stop_signal));
    letGo(document.cgroup_places);
    const timer = new AbortController();
    const patience = sleep(grace * 1000, 'impatient' as const, {
      signal: timer.signal,
      ref: true,
    });
    const first = await Promise.race([ended, patience]);
    if (first !== 'impatient') {
      timer.abort();
      await patience.catch(ignoreAbort);
      return conclude(roots, container, first);
    }
  }
  await sendSignal(roots, document.id, SIGKILL);
  letGo(document.cgroup_places);
  return conclude(roots, container, await ended);
}

/** What the supervisor told, or what is on record where none answered. */
async function conclude(
  roots: Roots,
  container: Container,
  told: ExitDocument | undefined,
): Promise<ExitDocument> {
  tellContainer(roots, container.document, 'stop');
  if (told === undefined) return waitForExit(roots, container);
  await sweepAfter(roots, container.process);
  await refreshNeighbours(roots, container.document);
  return told;
}

function ignoreAbort(error: Error): void {
  if (error.name !== 'AbortError') throw error;
}
