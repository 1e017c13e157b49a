import { native } from '../../native/index.js';
import { currentBootId } from '../../state/live-process.js';
import type { Roots } from '../../state/roots.js';
import { toldEnd } from '../events/container-end.js';
import { type Container, readContainer } from './catalogue.js';
import { awaitExit } from './control.js';
import type { ExitDocument, StateDocument } from './document.js';
import { settle } from './settle.js';
import { sweepAfter } from './shared-sweep.js';
import { supervisorLost } from './supervisor-lost.js';

/** A supervisor's connections are closed before it is gone, and its container lost only then. Patience is for processes that the kernel cannot end at once. */
export async function supervisorGone(process: StateDocument | undefined): Promise<void> {
  if (process === undefined || process.boot_id !== currentBootId()) return;
  const { pid, start_time } = process.supervisor;
  await native().awaitEnd(pid, start_time, patience);
}

/** Milliseconds. */
const patience = 30_000;

/** Resolves with the container's end, which may lie in the past. `signal`: nobody wants to know any more; it rejects then. */
export async function waitForExit(
  roots: Roots,
  container: Container,
  signal?: AbortSignal,
): Promise<ExitDocument> {
  const { id } = container.document;
  const told = container.state === 'running' ? await awaitExit(roots, id, { signal }) : undefined;
  signal?.throwIfAborted();
  if (told !== undefined) {
    await sweepAfter(roots, container.process);
    return told;
  }
  // No supervisor answers: it has recorded the end, or was killed.
  await supervisorGone(container.process);
  const now = readContainer(roots, id);
  const exit = now === undefined ? undefined : settle(roots, now).exit;
  return exit ?? toldEnd(roots, id, container.process?.task.pid) ?? supervisorLost();
}
