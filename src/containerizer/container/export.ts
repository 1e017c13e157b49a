import { native } from '../../native/index.js';
import { makeOutputFile } from '../../state/output-file.js';
import type { Roots } from '../../state/roots.js';
import { whileReading } from '../image/idle-layers.js';
import type { Container } from './catalogue.js';
import { rootLayers } from './root-layers.js';
import { treeFailure } from './tree-failure.js';

/**
 * Writes the file system of a container, running or not, as a tar archive: what its own layer and its image's show together, without
 * volumes. Owners are those that the container sees. A file appears when it is complete.
 */
export async function exportContainer(
  roots: Roots,
  container: Container,
  output: string | number,
): Promise<{ entries: number; bytes: number; warnings: string[] }> {
  const pack = (to: string | number) =>
    whileReading(roots, () => {
      const { own, image, depth } = rootLayers(roots, container);
      return native().packTree({
        upper: own === undefined ? image : [own, ...image],
        below: [],
        hidden: [],
        depth,
        layer: false,
        output: to,
        compression: 'none',
      });
    });
  try {
    const { entries, size, socketsSkipped } = await (typeof output === 'number'
      ? pack(output)
      : makeOutputFile(output, pack));
    return { entries, bytes: size, warnings: socketWarning(socketsSkipped) };
  } catch (error) {
    throw treeFailure(error, `container ${container.document.name}`);
  }
}

export function socketWarning(count: number): string[] {
  return count === 0 ? [] : [`sockets left out: ${count}; a tar archive cannot hold them`];
}
