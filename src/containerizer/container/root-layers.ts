import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Digest } from '../../oci-spec/digest.js';
import type { RuntimeConfig } from '../../oci-spec/runtime.js';
import { places, type Roots } from '../../state/roots.js';
import { layersOf } from '../image/layers-of.js';
import { defaultLimits } from '../image/limits.js';
import { parseReference } from '../image/reference.js';
import type { Container } from './catalogue.js';
import { markReached } from './reached.js';

/** The file system of a container, running or not, as directories of layers: owners in them are those that the container sees. */
export interface RootLayers {
  /** What the container has written; undefined when it never ran. */
  own: string | undefined;
  /** The layers of its image, topmost first. */
  image: string[];
  /** Where berth has mounted something: an empty file or folder there is none of the container's doing. */
  hidden: string[];
  /** Components of a path, at most. */
  depth: number;
}

export function rootLayers(roots: Roots, { document }: Container): RootLayers {
  const parsed = parseReference(document.image);
  markReached(roots, document);
  const upper = path.join(places.container(roots, document.id), 'upper');
  return {
    own: existsSync(upper) ? upper : undefined,
    image:
      parsed.kind === 'tree'
        ? [parsed.directory]
        : layersOf(roots, document.manifest_digest as Digest, `container ${document.name}`),
    hidden: [...usual, ...document.volumes.map(({ target }) => target), ...mounted(roots, document.id)],
    depth: defaultLimits.depth,
  };
}

// Of the description of a container of an earlier boot nothing is left.
const usual = ['/dev', '/proc', '/sys', '/etc/resolv.conf', '/etc/hosts', '/etc/hostname'];

function mounted(roots: Roots, id: string): string[] {
  try {
    const config = readFileSync(path.join(places.run(roots, id), 'config.json'), 'utf8');
    return (JSON.parse(config) as RuntimeConfig).mounts.map(({ destination }) => destination);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
