import { lstatSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { native } from '../../native/index.js';
import { hexOf } from '../../oci-spec/digest.js';
import { makeOutputFolder } from '../../state/output-file.js';
import type { Roots } from '../../state/roots.js';
import { defaultLimits } from './limits.js';
import type { ResolvedImage } from './oci-layout.js';
import type { OnProgress } from './progress.js';
import { parseReference } from './reference.js';
import { resolveIn } from './resolve.js';
import { requireRoot } from './root-only.js';
import { Session } from './store.js';
import { warningsOf } from './stored-image.js';
import { unpackFailure } from './unpack-failure.js';

/**
 * The image's whole root file system as a plain tree in `directory`, which must not exist: owners, modes, times and extended
 * attributes as the image has them, whiteouts applied, device nodes left out. It appears when it is complete.
 */
export async function unpackImage(
  roots: Roots,
  reference: string,
  directory: string,
  options: { onProgress?: OnProgress } = {},
): Promise<{ directory: string; entries: number; bytes: number; warnings: string[] }> {
  const what = `image ${reference}`;
  const onProgress = options.onProgress ?? (() => {});
  requireRoot(what);
  const target = path.resolve(directory);
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) {
    throw new BerthError('USAGE', {
      what: `image unpack: ${directory}`,
      why: 'it exists already',
      mend: 'Name a new folder.',
    });
  }
  if (lstatSync(path.dirname(target), { throwIfNoEntry: false }) === undefined) {
    throw new BerthError('USAGE', {
      what: `image unpack: ${directory}`,
      why: `there is no folder ${path.dirname(target)}`,
    });
  }
  const parsed = parseReference(reference);
  const session = ['archive', 'tree', 'aci'].includes(parsed.kind) ? await Session.open(roots) : undefined;
  try {
    const { image } = await resolveIn(roots, session, parsed, what);
    return await unpackLayers(image, target, what, onProgress);
  } finally {
    await session?.close();
  }
}

async function unpackLayers(
  image: ResolvedImage,
  target: string,
  what: string,
  onProgress: OnProgress,
): Promise<{ directory: string; entries: number; bytes: number; warnings: string[] }> {
  const warnings: string[] = [];
  let entries = 0;
  let bytes = 0;
  let about = what;
  const unpack = async (making: string): Promise<void> => {
    for (const [i, layer] of image.layers.entries()) {
      const told = { digest: layer.digest, size: layer.size, index: i + 1, count: image.layers.length };
      about = `${what}, layer ${told.index} of ${told.count} (${layer.digest.slice(0, 19)})`;
      onProgress({ kind: 'layer-start', form: 'folder', ...told });
      const unpacked = await native().unpackLayer({
        blob: image.blobPath(layer.digest),
        compression: layer.compression,
        digest: hexOf(layer.digest),
        size: layer.size,
        diffId: hexOf(layer.diffId),
        target: making,
        mode: 'tree',
        lowers: [],
        overLower: i > 0,
        copy: '',
        limits: defaultLimits,
      });
      entries += unpacked.entries;
      bytes += unpacked.fileBytes;
      warnings.push(
        ...warningsOf({
          diff_id: layer.diffId,
          devices_skipped: unpacked.devicesSkipped,
          xattrs_skipped: unpacked.xattrsSkipped,
        }),
      );
      onProgress({ kind: 'layer-done', ...told });
    }
    about = what;
    if (image.layers.length === 0) mkdirSync(making, { mode: 0o755 });
  };
  try {
    await makeOutputFolder(target, unpack);
  } catch (error) {
    throw unpackFailure(error, about);
  }
  return { directory: target, entries, bytes, warnings };
}
