import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { type ImageMount, isNativeError, native } from '../../native/index.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { storePaths } from './store.js';
import { layerFs, layerId, readLayer, readLayerOf, type StoredLayer } from './stored-layer.js';

/** A layer that is one file, with the directory that it is mounted on while somebody needs it. */
export interface MountedLayer {
  directory: string;
  bytes: number;
  /** Of its superblock, 32 hexadecimal digits. */
  identity: string;
}

/** A layer that can be read, in its directory. */
export interface OpenLayer extends StoredLayer {
  directory: string;
}

/**
 * The layer of the store, if containers can be launched on it: one that is a file is mounted by the launcher, and stays so while a container of the root runs
 * (idle-layers.ts). All share that mount, and with it what the kernel has read. Undefined: it is to be unpacked (again).
 */
export function findLayer(roots: Roots, chainId: Digest): OpenLayer | undefined {
  return found(roots, readLayer(roots, chainId), (layer) => native().tryImage(layer));
}

/** The same, to be read in its directory here and now, by whoever holds a lock of idle-layers.ts. */
export function openLayer(roots: Roots, chainId: Digest): OpenLayer | undefined {
  return found(roots, readLayer(roots, chainId), (layer) => {
    native().mountImage(layer);
    opened.add(layer.target);
  });
}

/** The directories on which this process has mounted layers. */
export const opened = new Set<string>();

/** The same of directories that `findLayer` has given once. */
export function openAgain(roots: Roots, directories: readonly string[]): void {
  for (const directory of directories) {
    const layer = readLayerOf(roots, idOf(directory));
    if (layer !== undefined) openLayer(roots, layer.chain_id);
  }
}

function idOf(directory: string): string {
  return path.basename(path.dirname(directory));
}

/** Those of these directories, which `findLayer` has given once, that are to be mounted. */
export function mountedAmong(roots: Roots, directories: readonly string[]): MountedLayer[] {
  return directories.flatMap((directory) => {
    const layer = readLayerOf(roots, idOf(directory));
    return layer === undefined ? [] : mountedLayer({ ...layer, directory });
  });
}

/** One, if it is to be mounted. */
export function mountedLayer({ directory, image }: OpenLayer): MountedLayer[] {
  return image === undefined ? [] : [{ directory, ...image }];
}

function found(
  roots: Roots,
  layer: StoredLayer | undefined,
  mount: (image: ImageMount) => void,
): OpenLayer | undefined {
  if (layer === undefined) return undefined;
  const directory = layerFs(roots, layer.chain_id);
  if (layer.image === undefined) return existsSync(directory) ? { ...layer, directory } : undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (!isMounted(directory))
      mount({ file: layerImage(roots, layer.chain_id), target: directory, ...layer.image });
    return { ...layer, directory };
  } catch (error) {
    // Another kernel may run than when it was written, or the file be damaged: the layer is made again of its blob, in a form that can be read.
    if (isNativeError(error)) return undefined;
    // Thrown away meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The file of a layer that is an image. */
export function layerImage(roots: Roots, chainId: Digest): string {
  return path.join(storePaths(roots).layers, layerId(chainId), 'fs.erofs');
}

/** Is something mounted there? */
export function isMounted(directory: string): boolean {
  return statSync(directory).dev !== statSync(path.dirname(directory)).dev;
}

/** Before what lies in the store's folder of a layer is removed. Whoever has files of it open keeps them. */
export function closeLayer(roots: Roots, id: string): void {
  const directory = path.join(storePaths(roots).layers, id, 'fs');
  if (existsSync(directory) && isMounted(directory)) native().unmountImage(directory);
}
