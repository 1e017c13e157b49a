import { renameSync } from 'node:fs';
import path from 'node:path';
import { native } from '../../native/index.js';
import type { Roots } from '../../state/roots.js';
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
  const { own, image, depth } = rootLayers(roots, container);
  const making =
    typeof output === 'number'
      ? output
      : path.join(path.dirname(output), `.${path.basename(output)}.berth-${process.pid}`);
  try {
    const { entries, size, socketsSkipped } = await native().packTree({
      upper: own === undefined ? image : [own, ...image],
      below: [],
      hidden: [],
      depth,
      layer: false,
      output: making,
      compression: 'none',
    });
    if (typeof output === 'string' && typeof making === 'string') renameSync(making, output);
    return { entries, bytes: size, warnings: socketWarning(socketsSkipped) };
  } catch (error) {
    throw treeFailure(error, `container ${container.document.name}`);
  }
}

export function socketWarning(count: number): string[] {
  return count === 0 ? [] : [`sockets left out: ${count}; a tar archive cannot hold them`];
}
