import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, native } from '../../native/index.js';
import { writeWhole } from '../../state/atomic-file.js';
import { readDocument } from '../../state/json-file.js';
import type { Roots } from '../../state/roots.js';
import { makeStore, storePaths } from './store.js';

/** What a layer becomes in the store: a folder of its files, or one file, an EROFS image. */
export const layerForms = ['folder', 'erofs'] as const;
export type LayerForm = (typeof layerForms)[number];

/** For layers that come from now on; those that are there stay what they are. */
export interface LayerChoice {
  form: LayerForm;
  /** Why it is not what was asked for, one clause. */
  instead?: string;
}

interface Setting {
  format: 1;
  layers: LayerForm;
}

const settingFile = (roots: Roots) => path.join(storePaths(roots).base, 'settings.json');

/** What the store was told to make of layers. */
export function layerSetting(roots: Roots): LayerForm {
  return readDocument<Setting>(settingFile(roots), 1)?.layers ?? 'folder';
}

export function setLayerForm(roots: Roots, layers: LayerForm): void {
  makeStore(roots);
  writeWhole(settingFile(roots), `${JSON.stringify({ format: 1, layers } satisfies Setting)}\n`);
}

export function parseLayerForm(text: string): LayerForm {
  const form = layerForms.find((each) => each === text);
  if (form !== undefined) return form;
  throw new BerthError('USAGE', {
    what: `layers ${JSON.stringify(text)}`,
    why: `they can be ${layerForms.join(' or ')}`,
  });
}

/** `asked`, else what the store was told; a folder where this host cannot mount images. The store must be there. */
export function chooseForm(roots: Roots, asked: LayerForm | undefined): LayerChoice {
  if ((asked ?? layerSetting(roots)) === 'folder') return { form: 'folder' };
  try {
    native().probeImages(storePaths(roots).base);
    return { form: 'erofs' };
  } catch (error) {
    if (!isNativeError(error)) throw error;
    return {
      form: 'folder',
      instead: `this host cannot mount a file as a layer (${error.syscall} fails with ${error.code})`,
    };
  }
}
