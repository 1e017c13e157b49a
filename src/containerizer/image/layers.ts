import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { type BlobGrowth, type LayersBelow, native } from '../../native/index.js';
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
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { dropDamaged } from './blobs.js';
import { defaultLimits } from './limits.js';
import type { LayerSource } from './oci-layout.js';
import type { OnProgress } from './progress.js';
import { isSettled } from './settled.js';
import { blobFile, hasBlob, type Session, storePaths, trashPath } from './store.js';
import { unpackFailure } from './unpack-failure.js';

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
  const file = path.join(storePaths(roots).layers, layerId(chainId), 'layer.json');
  try {
    const layer = layerShape(JSON.parse(readFileSync(file, 'utf8')) as unknown, '');
    const { boot_id } = layer;
    const trusted = boot_id === undefined || boot_id === currentBootId() || isSettled(file);
    return layer.chain_id === chainId && trusted ? layer : undefined;
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (absent || error instanceof ShapeError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export interface LayerRequest {
  source: LayerSource;
  chainId: Digest;
  /** The blob's file, and whether it is the store's own already. */
  blob: string;
  ownBlob: boolean;
  /** It is still growing. */
  growth?: BlobGrowth | undefined;
  /** The layers below, topmost first, and what tells that they are there. */
  below: { chain: Digest[]; there: LayersBelow };
  /** The image and the layer in words. */
  what: string;
  place: { index: number; count: number };
}

/** The layer as the store has it, unpacked now if need be: by one process, however many ask. */
export async function ensureLayer(
  roots: Roots,
  session: Session,
  request: LayerRequest,
  onProgress: OnProgress,
): Promise<StoredLayer> {
  const paths = storePaths(roots);
  const lock = await FileLock.take(paths.layerLock(layerId(request.chainId)));
  try {
    const stored = readLayer(roots, request.chainId);
    if (stored !== undefined) {
      onProgress({ kind: 'layer-present', digest: request.source.digest, ...request.place });
      return stored;
    }
    return await unpack(roots, session, request, onProgress);
  } finally {
    lock.discard();
  }
}

async function unpack(
  roots: Roots,
  session: Session,
  request: LayerRequest,
  onProgress: OnProgress,
): Promise<StoredLayer> {
  const { source, chainId } = request;
  const paths = storePaths(roots);
  const id = layerId(chainId);
  const making = path.join(session.directory, id);
  const copy = path.join(session.directory, `${id}.blob`);
  const kept = blobFile(roots, source.digest);
  const keep = !request.ownBlob && !hasBlob(roots, source);
  mkdirSync(making, { mode: 0o700 });

  const told = { digest: source.digest, size: source.size, ...request.place };
  onProgress({ kind: 'layer-start', ...told });
  const watch = keep
    ? watchGrowth(copy, (done) => onProgress({ kind: 'layer-bytes', done, ...told }))
    : () => {};
  try {
    const unpacked = await native().unpackLayer({
      blob: request.blob,
      compression: source.compression,
      digest: hexOf(source.digest),
      size: source.size,
      diffId: hexOf(source.diffId),
      target: path.join(making, 'fs'),
      mode: 'overlay',
      lowers: request.below.chain.map((below) => layerFs(roots, below)),
      below: request.below.there,
      overLower: false,
      copy: keep ? copy : '',
      ...(request.growth === undefined ? {} : { growth: request.growth }),
      limits: defaultLimits,
    });
    const layer: StoredLayer = {
      format: 1,
      chain_id: chainId,
      diff_id: source.diffId,
      entries: unpacked.entries,
      file_bytes: unpacked.fileBytes,
      devices_skipped: unpacked.devicesSkipped,
      xattrs_skipped: unpacked.xattrsSkipped,
      root_opaque: unpacked.rootOpaque,
      boot_id: currentBootId(),
    };
    // Not synced: after a power loss nothing of this boot is believed, whether it is whole or not.
    writeFileSync(path.join(making, 'layer.json'), `${JSON.stringify(layer)}\n`, { flag: 'wx', mode: 0o600 });
    if (keep) renameSync(copy, kept);
    const finished = path.join(paths.layers, id);
    // One that was not trusted any more: nothing of this boot uses it.
    if (existsSync(finished)) renameSync(finished, trashPath(roots, id));
    renameSync(making, finished);
    onProgress({ kind: 'layer-done', ...told });
    return layer;
  } catch (error) {
    // It may be made once more in this session.
    await native().removeTree(making);
    if (request.blob === kept && (await dropDamaged(roots, session, source))) {
      throw new BerthError('IMAGE_CORRUPT', {
        what: request.what,
        why: 'what the store had of its blob was damaged, and has been removed',
        mend: 'Bring the image into the store again: berth image pull, berth image load.',
        cause: error,
      });
    }
    throw unpackFailure(error, request.what);
  } finally {
    watch();
  }
}

const growthInterval = 100;

/** Tells how large a file has become, until the returned function is called. */
function watchGrowth(file: string, tell: (bytes: number) => void): () => void {
  const timer = setInterval(() => {
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    if (size !== undefined) tell(size);
  }, growthInterval);
  return () => clearInterval(timer);
}
