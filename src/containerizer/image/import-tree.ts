import path from 'node:path';
import { native } from '../../native/index.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { tellImage } from '../events/tell.js';
import { changeConfig } from './config-change.js';
import { defaultLimits } from './limits.js';
import { storeName } from './load.js';
import { type MadeLayer, makeImage } from './make-image.js';
import type { OnProgress } from './progress.js';
import type { Session } from './store.js';
import { storeImages } from './store-images.js';
import { unpackFailure } from './unpack-failure.js';

export interface ImportOptions {
  name: string;
  /** Instructions as in a Dockerfile (config-change.ts). */
  changes: string[];
  message: string | undefined;
  onProgress: OnProgress;
}

/** Makes an image of one layer from the archive of a root file system: a file or an open descriptor, compressed or not. */
export async function importTree(
  roots: Roots,
  input: string | number,
  options: ImportOptions,
): Promise<{ name: string; manifestDigest: Digest; warnings: string[] }> {
  const name = storeName(options.name);
  const what = typeof input === 'number' ? 'the archive on standard input' : `archive ${input}`;
  const config = changeConfig({}, options.changes);
  const created = new Date().toISOString();
  const comment =
    options.message ?? `Imported from ${typeof input === 'number' ? '-' : path.basename(input)}`;
  const stored = await storeImages(
    roots,
    what,
    async (session) => {
      const layer = await takeLayer(session, input, what);
      const image = makeImage(layer, { created, config, history: [{ created, comment }] }, undefined, what);
      return [{ image, names: [name], what }];
    },
    options.onProgress,
    { durable: true },
  );
  const [image] = stored;
  if (image !== undefined) tellImage(roots, image.manifestDigest, name, 'import');
  return { name, manifestDigest: image?.manifestDigest as Digest, warnings: image?.warnings ?? [] };
}

/** The archive as a layer's blob: as it came, unless manifests have no word for its compression. */
async function takeLayer(session: Session, input: string | number, what: string): Promise<MadeLayer> {
  const take = async (from: string | number, name: string, wanted: 'keep' | 'gzip') => {
    const output = path.join(session.directory, name);
    try {
      const facts = await native().transcodeBlob({
        input: from,
        output,
        compression: 'detect',
        digest: null,
        diffId: null,
        size: null,
        wanted,
        limits: defaultLimits,
      });
      return { file: output, ...facts };
    } catch (error) {
      throw unpackFailure(error, what, 'there is no such file');
    }
  };
  const taken = await take(input, 'layer', 'keep');
  const { compression } = taken;
  if (compression === 'xz' || compression === 'bzip2') {
    const again = await take(taken.file, 'layer.gz', 'gzip');
    return { ...again, compression: 'gzip' };
  }
  return { ...taken, compression };
}
