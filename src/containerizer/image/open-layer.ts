import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { isNativeError, native } from '../../native/index.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { storePaths } from './store.js';
import { layerFs, layerId, readLayer, readLayerOf, type StoredLayer } from './stored-layer.js';

/** A layer that can be read, in its directory. */
export interface OpenLayer extends StoredLayer {
  directory: string;
}

/**
 * The layer of the store, to be read by whoever may: an image is mounted on the layer's directory by the first who needs it, and stays so until the layer is removed. All
 * containers share that mount, and with it what the kernel has read. Undefined: it is to be unpacked (again).
 */
export function openLayer(roots: Roots, chainId: Digest): OpenLayer | undefined {
  return opened(roots, readLayer(roots, chainId));
}

/** The same of a directory that `openLayer` has given once. */
export function openLayerAgain(roots: Roots, directory: string): OpenLayer | undefined {
  return opened(roots, readLayerOf(roots, path.basename(path.dirname(directory))));
}

function opened(roots: Roots, layer: StoredLayer | undefined): OpenLayer | undefined {
  if (layer === undefined) return undefined;
  const chainId = layer.chain_id;
  const directory = layerFs(roots, chainId);
  if (layer.image === undefined) return existsSync(directory) ? { ...layer, directory } : undefined;
  const { bytes, identity } = layer.image;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (!isMounted(directory)) {
      native().mountImage({
        file: layerImage(roots, chainId),
        target: directory,
        bytes,
        identity: Buffer.from(identity, 'hex'),
      });
    }
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
