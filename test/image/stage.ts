import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import { type LayerForm, setLayerForm } from '../../src/containerizer/image/layer-form.js';
import { loadImage } from '../../src/containerizer/image/load.js';
import { makeStore } from '../../src/containerizer/image/store.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import { BerthError } from '../../src/errors/berth-error.js';
import type { ErrorCode } from '../../src/errors/table.js';
import {
  type ImageSpec,
  type Layer,
  type LayerEntry,
  layerTar,
  writeImage,
} from '../fixtures/oci-image-writer.js';
import { treeOf } from './tree.js';

/** A folder with a store that must stay empty, and a canary beside it that must stay as it is. */
export class Stage {
  readonly canary: string;
  readonly roots: { root: string; state: string };
  private readonly untouched: string[];
  private made = 0;

  /** `folder` holds the folder `canary`. */
  constructor(readonly folder: string) {
    this.canary = path.join(folder, 'canary');
    this.roots = { root: path.join(folder, 'root'), state: path.join(folder, 'state') };
    this.untouched = treeOf(this.canary);
  }

  /** Where the next layout may be written. */
  fresh(): string {
    return path.join(this.folder, `image-${this.made++}`);
  }

  image(spec: ImageSpec): string {
    return writeImage(this.fresh(), spec).reference;
  }

  async imageOf(entries: LayerEntry[]): Promise<string> {
    return this.image({ layers: [{ tar: await layerTar(entries) }] });
  }

  checkCanary(t: Test, name = 'the canary'): void {
    t.strictSame(treeOf(this.canary), this.untouched, `${name}: nothing outside is touched`);
  }

  /** The image is refused with that code and reason, as a load into either form of layers and as an unpack, and nothing of it stays anywhere. */
  async refuses(t: Test, name: string, reference: string, code: ErrorCode, why: RegExp): Promise<void> {
    const target = path.join(this.folder, 'target');
    const load = (form: LayerForm) => async () => {
      makeStore(this.roots);
      await setLayerForm(this.roots, form);
      return loadImage(this.roots, reference);
    };
    const attempts = [load('erofs'), load('folder'), () => unpackImage(this.roots, reference, target)];
    for (const attempt of attempts) {
      const error = await refusal(attempt());
      t.equal(error.code, code, `${name}: ${error.message}`);
      t.match(error.message, why, name);
      t.notMatch(error.message, /\n/);
    }
    t.strictSame(this.leftovers(), [], `${name}: nothing stays in the store`);
    const trees = readdirSync(this.folder).filter((entry) => entry.includes('target'));
    t.strictSame(trees, [], `${name}: no tree stays`);
    this.checkCanary(t, name);
  }

  /** Whatever the store holds beside its own empty folders. */
  leftovers(): string[] {
    const base = path.join(this.roots.root, 'images');
    if (!existsSync(base)) return [];
    const locks = readdirSync(path.join(base, 'locks')).filter(
      (name) => name !== 'store' && name !== 'index',
    );
    const folders = ['blobs/sha256', 'layers', 'sessions', '../trash'];
    return [...locks, ...folders.flatMap((name) => readdirSync(path.join(base, name)))];
  }
}

async function refusal(attempt: Promise<unknown>): Promise<BerthError> {
  const error = await attempt.then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  );
  if (error instanceof BerthError) return error;
  throw error;
}

/** A layer that is not compressed. */
export const plainLayer = (tar: Buffer): Layer => ({
  tar,
  blob: tar,
  mediaType: 'application/vnd.oci.image.layer.v1.tar',
});
