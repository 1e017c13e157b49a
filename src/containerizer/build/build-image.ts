import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, native, type PackedEntry } from '../../native/index.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { tellImage } from '../events/tell.js';
import { storeName } from '../image/load.js';
import { type MadeLayer, stackImage } from '../image/make-image.js';
import { type ResolvedImage, resolveManifest } from '../image/oci-layout.js';
import type { OnProgress } from '../image/progress.js';
import { type ProvideOptions, provideImage } from '../image/provide.js';
import { storeFiles } from '../image/resolve.js';
import { requireRoot } from '../image/root-only.js';
import { storeImages } from '../image/store-images.js';
import { unpackFailure } from '../image/unpack-failure.js';
import { readRecipe, settingsOf } from './recipe.js';

export interface BuildOptions extends Pick<ProvideOptions, 'pull'> {
  /** `NAME[:TAG]`s of the new image. */
  names: string[];
  /** The folder that the recipe's files are in. */
  context: string;
  /** By default `berth-image.json` in it. */
  recipe?: string | undefined;
  compression: MadeLayer['compression'];
  /** Seconds of the epoch, of all that is made; undefined: 1970, and the image does not say when it was made. */
  time?: number | undefined;
  onProgress: OnProgress;
}

export interface BuiltImage {
  names: string[];
  manifestDigest: Digest;
  warnings: string[];
}

/** Makes an image from a recipe. The same recipe, files, images below and time give the same image, byte for byte. */
export async function buildImage(roots: Roots, options: BuildOptions): Promise<BuiltImage> {
  const file = options.recipe ?? path.join(options.context, 'berth-image.json');
  const what = `recipe ${file}`;
  requireRoot(what);
  const names = options.names.map(storeName);
  const { from, layers, config } = readRecipe(readContent(file, what), what);
  const below: Digest[] = [];
  for (const reference of from) {
    const { manifestDigest } = await provideImage(roots, reference, options);
    below.push(manifestDigest);
  }
  const { time } = options;
  const dated =
    time === undefined ? {} : { created: new Date(time * 1000).toISOString().replace('.000Z', 'Z') };
  const stored = await storeImages(
    roots,
    what,
    async (session) => {
      const bases = below.map((digest) => resolveManifest(storeFiles(roots), { digest }, what));
      const made: MadeLayer[] = [];
      for (const [i, entries] of layers.entries()) {
        const output = path.join(session.directory, `layer-${i}`);
        made.push(await packLayer(output, entries, options, `${what}, layer ${i + 1}`));
      }
      const settings = settingsOf(config, bases.at(-1)?.config.config ?? {});
      const image: ResolvedImage = stackImage(bases, made, { ...dated, config: settings }, what);
      if (image.layers.length === 0)
        throw new BerthError('RECIPE_INVALID', { what, why: 'it makes an image without a layer' });
      return [{ image, names, what }];
    },
    options.onProgress,
    { durable: true },
  );
  const manifestDigest = stored[0]?.manifestDigest as Digest;
  for (const name of names) tellImage(roots, manifestDigest, name, 'import');
  return { names, manifestDigest, warnings: stored[0]?.warnings ?? [] };
}

/** One layer as a file. `what` names it in words. */
export async function packLayer(
  output: string,
  entries: readonly PackedEntry[],
  { context, time = 0, compression }: Pick<BuildOptions, 'context' | 'time' | 'compression'>,
  what: string,
): Promise<MadeLayer> {
  try {
    const { digest, size, diffId } = await native().packRecipe({
      folder: path.resolve(context),
      entries,
      time,
      output,
      compression,
    });
    return { file: output, digest, size, diffId, compression };
  } catch (error) {
    if (!isNativeError(error)) throw error;
    const { code, path: name } = error;
    if (code === 'BAD_FILE' || code === 'ENOENT' || code === 'ENOTDIR') {
      const about = name === undefined || name === '' ? '' : `${JSON.stringify(name)}: `;
      const why = code === 'BAD_FILE' ? error.reason : `it is not in ${context}`;
      throw new BerthError('RECIPE_INVALID', { what, why: `${about}${why}`, cause: error });
    }
    throw unpackFailure(error, what);
  }
}

function readContent(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EISDIR') throw error;
    throw new BerthError('RECIPE_INVALID', {
      what,
      why: 'there is no such file',
      mend: 'Name it with --file, or write berth-image.json into the folder.',
      cause: error,
    });
  }
}
