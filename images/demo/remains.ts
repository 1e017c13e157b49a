import { existsSync, readFileSync } from 'node:fs';
import { readContainer } from '../../src/containerizer/container/catalogue.js';
import { cgroupDirectories } from '../../src/containerizer/container/cgroup-places.js';
import { isAlive } from '../../src/state/live-process.js';
import { places, type Roots } from '../../src/state/roots.js';

/** Remembers all that a running container has on the host. The returned function names what of it is still there. */
export function watchFor(roots: Roots, id: string): () => string[] {
  const container = readContainer(roots, id);
  if (container?.process === undefined) throw new Error(`container ${id} does not run`);
  const { process, document } = container;
  const paths = [
    places.run(roots, id),
    places.container(roots, id),
    ...cgroupDirectories(document.cgroup_places),
  ];
  return () => [
    ...[process.supervisor, process.task]
      .filter((name) => isAlive(name, process.boot_id))
      .map(({ pid }) => `process ${pid}`),
    ...paths.filter((path) => existsSync(path)),
    ...(readFileSync('/proc/self/mountinfo', 'utf8').includes(id) ? [`a mount of ${id}`] : []),
  ];
}
