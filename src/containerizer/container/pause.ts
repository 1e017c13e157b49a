import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';
import { tellContainer } from '../events/tell.js';
import type { Container } from './catalogue.js';
import { hold, letGo } from './cgroup-freezer.js';

/** Holds every process of a container where it is. */
export async function pauseContainer(roots: Roots, { document, state, paused }: Container): Promise<void> {
  if (state !== 'running') throw unfit(document.name, 'it is not running');
  if (paused) throw unfit(document.name, 'it is paused already');
  try {
    const held = await hold(document.cgroup_places);
    if (held === true) return tellContainer(roots, document, 'pause');
    if (held === false)
      throw unfit(document.name, 'a process of it waits in the kernel and cannot be held now');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV') throw unfit(document.name, 'it has just ended');
    throw error;
  }
  throw new BerthError('HOST_LACKS', {
    what: `pause of container ${document.name}`,
    why: 'this host has neither a unified cgroup hierarchy nor the freezer of v1',
    mend: 'See berth doctor.',
  });
}

/** Lets a paused container go on. */
export function unpauseContainer(roots: Roots, { document, paused }: Container): void {
  if (!paused) throw unfit(document.name, 'it is not paused');
  letGo(document.cgroup_places);
  tellContainer(roots, document, 'unpause');
}

function unfit(name: string, why: string): BerthError {
  return new BerthError('CONTAINER_STATE', { what: `container ${name}`, why });
}
