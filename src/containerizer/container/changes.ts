import { native } from '../../native/index.js';
import type { Roots } from '../../state/roots.js';
import { whileReading } from '../image/idle-layers.js';
import type { Container } from './catalogue.js';
import { rootLayers } from './root-layers.js';
import { treeFailure } from './tree-failure.js';

/** `A`: added, `C`: changed, `D`: deleted. A folder is changed when something in it is. */
export interface Change {
  kind: 'A' | 'C' | 'D';
  path: string;
}

/** What a container has changed of its image's file system, in the order of the names. */
export async function containerChanges(roots: Roots, container: Container): Promise<Change[]> {
  try {
    const lines = await whileReading(roots, async () => {
      const { own, image, hidden, depth } = rootLayers(roots, container);
      if (own === undefined) return '';
      return native().treeChanges({ upper: [own], below: image, hidden, depth });
    });
    return lines
      .toString()
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => ({ kind: line.slice(0, 1) as Change['kind'], path: line.slice(1) }));
  } catch (error) {
    throw treeFailure(error, `container ${container.document.name}`);
  }
}
