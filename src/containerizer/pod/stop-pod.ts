import type { Roots } from '../../state/roots.js';
import { type Container, readContainer } from '../container/catalogue.js';
import { stopContainer } from '../container/stop.js';
import type { Pod } from './pods.js';

/** Stops all apps of a pod at the same time, each as `berth stop` does, and then what holds them together. */
export async function stopPod(roots: Roots, { apps, keeper }: Pod, graceSeconds?: number): Promise<void> {
  const stop = async (container: Container) => {
    if (container.state === 'running')
      await stopContainer(roots, container, graceSeconds === undefined ? {} : { graceSeconds });
  };
  await Promise.all(apps.map(stop));
  // It ends with the last of them; what was sent into the pod beside its apps may keep it.
  const left = keeper && readContainer(roots, keeper.document.id);
  if (left !== undefined) await stop(left);
}
