import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { type BlobGrowth, isNativeError, type LayersBelow, native } from '../../native/index.js';
import { type Digest, hexOf } from '../../oci-spec/digest.js';
import { currentBootId } from '../../state/live-process.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { dropDamaged } from './blobs.js';
import type { LayerChoice } from './layer-form.js';
import { defaultLimits, imageMemory } from './limits.js';
import type { LayerSource } from './oci-layout.js';
import { closeLayer, findLayer, openLayer } from './open-layer.js';
import type { OnProgress } from './progress.js';
import { blobFile, hasBlob, type Session, storePaths, trashPath } from './store.js';
import { layerFs, layerId, type StoredLayer } from './stored-layer.js';
import { unpackFailure } from './unpack-failure.js';

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
  /** What it is to become, if it is not there. */
  form: LayerChoice;
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
    const stored = open(roots, request);
    if (stored !== undefined) {
      onProgress({ kind: 'layer-present', digest: request.source.digest, ...request.place });
      return stored;
    }
    return await unpack(roots, session, request, onProgress);
  } finally {
    lock.discard();
  }
}

/** Only what lies below others is read when they are unpacked. */
function open(roots: Roots, { chainId, place }: LayerRequest): StoredLayer | undefined {
  return place.index < place.count ? openLayer(roots, chainId) : findLayer(roots, chainId);
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
  onProgress({ kind: 'layer-start', ...request.form, ...told });
  const watch = keep
    ? watchGrowth(copy, (done) => onProgress({ kind: 'layer-bytes', done, ...told }))
    : () => {};
  try {
    const image =
      request.form.form === 'folder'
        ? undefined
        : { file: path.join(making, 'fs.erofs'), identity: randomBytes(16), memory: imageMemory };
    const unpacked = await native().unpackLayer({
      blob: request.blob,
      compression: source.compression,
      digest: hexOf(source.digest),
      size: source.size,
      diffId: hexOf(source.diffId),
      target: path.join(making, 'fs'),
      ...(image === undefined ? {} : { image }),
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
      ...(image === undefined
        ? {}
        : { image: { bytes: statSync(image.file).size, identity: image.identity.toString('hex') } }),
    };
    // Not synced: after a power loss nothing of this boot is believed, whether it is whole or not.
    writeFileSync(path.join(making, 'layer.json'), `${JSON.stringify(layer)}\n`, { flag: 'wx', mode: 0o600 });
    if (keep) renameSync(copy, kept);
    const finished = path.join(paths.layers, id);
    // One that was not trusted any more: nothing of this boot uses it.
    if (existsSync(finished)) closeLayer(roots, id);
    if (existsSync(finished)) renameSync(finished, trashPath(roots, id));
    renameSync(making, finished);
    onProgress({ kind: 'layer-done', ...told });
    return open(roots, request) ?? layer;
  } catch (error) {
    // It may be made once more in this session.
    await native().removeTree(making);
    if ((error as { code?: string }).code === 'NO_IMAGE' && isNativeError(error)) {
      const instead = error.reason ?? 'it cannot be one file';
      return unpack(roots, session, { ...request, form: { form: 'folder', instead } }, onProgress);
    }
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
