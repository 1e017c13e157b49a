import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, native } from '../../native/index.js';
import { discardTorn, writeWhole } from '../../state/atomic-file.js';
import { readDocument } from '../../state/json-file.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { makeStore, storePaths } from './store.js';

/** What a layer becomes in the store: a folder of its files, or one file, an EROFS image. */
export type LayerForm = 'folder' | 'erofs';

/** What a store can be told to make of layers; `auto`: large ones become one file each where this host can mount it, others folders. */
export const layerSettings = ['auto', 'folder', 'erofs'] as const;
export type LayerSetting = (typeof layerSettings)[number];

/** Of a blob, bytes: from there on making the files of a folder takes so long that a mount in the host's table, while containers run, is the lesser evil. */
export const largeLayer = 64 * 2 ** 20;

/** For layers that come from now on; those that are there stay what they are. */
export interface LayerChoice {
  form: LayerForm;
  /** Why it is not what was asked for, one clause. */
  instead?: string;
}

interface Setting {
  format: 1;
  layers: LayerSetting;
}

/** What the store was told to make of layers. */
export function layerSetting(roots: Roots): LayerSetting {
  return readDocument<Setting>(storePaths(roots).settings, 1)?.layers ?? 'auto';
}

export async function setLayerForm(roots: Roots, layers: LayerSetting): Promise<void> {
  makeStore(roots);
  const { settings, indexLock } = storePaths(roots);
  const lock = await FileLock.take(indexLock);
  try {
    discardTorn(settings);
    writeWhole(settings, `${JSON.stringify({ format: 1, layers } satisfies Setting)}\n`);
  } finally {
    lock.release();
  }
}

export function parseLayerSetting(text: string): LayerSetting {
  const setting = layerSettings.find((each) => each === text);
  if (setting !== undefined) return setting;
  throw new BerthError('USAGE', {
    what: `layers ${JSON.stringify(text)}`,
    why: `they can be ${layerSettings.join(' or ')}`,
  });
}

/**
 * `asked`, else what the store was told, for a layer whose blob has `size` bytes; a folder where this host cannot mount images, which is worth a
 * word to who asked for them. The store must be there.
 */
export function chooseForm(roots: Roots, asked: LayerSetting | undefined, size: number): LayerChoice {
  const setting = asked ?? layerSetting(roots);
  if (setting === 'folder' || (setting === 'auto' && size < largeLayer)) return { form: 'folder' };
  try {
    native().probeImages(storePaths(roots).base);
    return { form: 'erofs' };
  } catch (error) {
    if (!isNativeError(error)) throw error;
    if (setting === 'auto') return { form: 'folder' };
    return {
      form: 'folder',
      instead: `this host cannot mount a file as a layer (${error.syscall} fails with ${error.code})`,
    };
  }
}
