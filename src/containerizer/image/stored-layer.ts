import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Digest, digestPattern, hexOf } from '../../oci-spec/digest.js';
import {
  constant,
  flag,
  integer,
  type Of,
  object,
  type Shape,
  ShapeError,
  text,
} from '../../oci-spec/shape.js';
import { currentBootId } from '../../state/live-process.js';
import type { Roots } from '../../state/roots.js';
import { isSettled } from './settled.js';
import { storePaths } from './store.js';

const digest = text({ pattern: digestPattern, expected: 'a sha256 digest' }) as Shape<Digest>;

const layerShape = object(
  {
    format: constant(1),
    chain_id: digest,
    diff_id: digest,
    entries: integer(),
    file_bytes: integer(),
    devices_skipped: integer(),
    xattrs_skipped: integer(),
    /** It hides every layer below it. */
    root_opaque: flag,
  },
  {
    /** The boot in which it was unpacked: in another one it is believed only if it is settled (settled.ts). Older versions left it out then. */
    boot_id: text(),
    /** It is one file, `fs.erofs`, of that size, and `fs` where it is mounted; `identity`: of its superblock, 16 bytes in hexadecimal digits. */
    image: object(
      { bytes: integer(), identity: text({ pattern: /^[0-9a-f]{32}$/, expected: '32 digits' }) },
      {},
    ),
  },
);

export type StoredLayer = Of<typeof layerShape>;

export function layerId(chainId: Digest): string {
  return hexOf(chainId).slice(0, 32);
}

/** The layer's file system: a lowerdir for overlayfs, ids as the image has them. */
export function layerFs(roots: Roots, chainId: Digest): string {
  return path.join(storePaths(roots).layers, layerId(chainId), 'fs');
}

/** What the store has of a layer; undefined when it has to be unpacked (again). */
export function readLayer(roots: Roots, chainId: Digest): StoredLayer | undefined {
  const layer = readLayerOf(roots, layerId(chainId));
  return layer?.chain_id === chainId ? layer : undefined;
}

/** The same of what lies in a folder of that name. */
export function readLayerOf(roots: Roots, id: string): StoredLayer | undefined {
  const file = path.join(storePaths(roots).layers, id, 'layer.json');
  try {
    const layer = layerShape(JSON.parse(readFileSync(file, 'utf8')) as unknown, '');
    const { boot_id } = layer;
    const trusted = boot_id === undefined || boot_id === currentBootId() || isSettled(file);
    return trusted ? layer : undefined;
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (absent || error instanceof ShapeError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
