import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';
import type { Container } from './catalogue.js';
import { sweepCgroups } from './cgroup-sweep.js';
import { removeFolders } from './folders.js';
import { removeCgroups, settle } from './settle.js';
import { stopContainer } from './stop.js';

/** Removes a container that has ended; with `force` one that runs is killed first. */
export async function removeContainer(
  roots: Roots,
  found: Container,
  options: { force: boolean },
): Promise<void> {
  const container = settle(roots, found);
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
  removeCgroups(container);
  removeFolders(roots, document);
  sweepCgroups(roots);
}
