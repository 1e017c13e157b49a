import { BerthError } from '../../errors/berth-error.js';
import type { Roots } from '../../state/roots.js';
import { removeContainer } from '../container/remove.js';
import { sweepSockets } from './neighbour-sockets.js';
import { findPod } from './pods.js';
import { stopPod } from './stop-pod.js';

/** Removes a pod that has ended, with its volumes; with `force` one that runs is killed first. */
export async function removePod(roots: Roots, wanted: string, { force }: { force: boolean }): Promise<void> {
  const pod = findPod(roots, wanted);
  if (pod.state !== 'exited') {
    if (!force)
      throw new BerthError('CONTAINER_STATE', {
        what: `pod ${pod.name}`,
        why: 'it is running',
        mend: `Stop it first (berth pod stop ${pod.name}), or use pod rm -f.`,
      });
    await stopPod(roots, pod, 0);
  }
  // The first one last: as long as it is on record the pod is, and its volumes go with it.
  for (const container of [...pod.apps, ...(pod.keeper === undefined ? [] : [pod.keeper])])
    await removeContainer(roots, container, { force: true, volumes: true });
  sweepSockets(roots);
}
