import type { Roots } from '../../state/roots.js';
import { type Container, readContainer } from './catalogue.js';
import { sweepAfter } from './cgroup-sweep.js';
import { awaitExit } from './control.js';
import type { ExitDocument } from './document.js';
import { settle } from './settle.js';
import { supervisorLost } from './supervisor-lost.js';

/** Resolves with the container's end, which may lie in the past. */
export async function waitForExit(roots: Roots, container: Container): Promise<ExitDocument> {
  const { id } = container.document;
  const told = container.state === 'running' ? await awaitExit(roots, id) : undefined;
  if (told !== undefined) {
    await sweepAfter(roots, container.process);
    return told;
  }
  // No supervisor answers: it has recorded the end, or was killed.
  const now = readContainer(roots, id);
  return (now === undefined ? undefined : settle(roots, now).exit) ?? supervisorLost();
}
