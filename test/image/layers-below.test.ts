import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { defaultLimits } from '../../src/containerizer/image/limits.js';
import { loadImage } from '../../src/containerizer/image/load.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import { native } from '../../src/native/index.js';
import { digestOf, hexOf } from '../../src/oci-spec/digest.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { type LayerEntry, layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { treeOf } from './tree.js';

if (process.geteuid?.() !== 0) t.bailout('unpacking needs root: owners, capabilities, whiteouts');

/** One layer above one that is made only while it is being unpacked. */
async function above(folder: string, entries: LayerEntry[]) {
  const tar = await layerTar(entries);
  const blob = path.join(folder, `${hexOf(digestOf(tar))}.tar`);
  writeFileSync(blob, tar);
  const lower = path.join(folder, 'lower');
  const below = native().layersBelow();
  const target = path.join(folder, 'target');
  const unpacking = native().unpackLayer({
    blob,
    compression: 'none',
    digest: hexOf(digestOf(tar)),
    size: tar.length,
    diffId: hexOf(digestOf(tar)),
    target,
    mode: 'overlay',
    lowers: [lower],
    below,
    overLower: false,
    copy: '',
    limits: defaultLimits,
  });
  unpacking.catch(() => {});
  return { lower, below, target, unpacking };
}

const needing: [string, LayerEntry[], (target: string) => boolean][] = [
  ['a parent', [{ name: 'd/x' }], (target) => (statSync(`${target}/d`).mode & 0o7777) === 0o1770],
  [
    'a link',
    [{ name: 'l', type: 'link', link: 'd/old' }],
    (target) => readFileSync(`${target}/l`, 'utf8') === 'old',
  ],
  ['a whiteout', [{ name: 'd/.wh.old' }], (target) => statSync(`${target}/d/old`).isCharacterDevice()],
  ['a root', [], (target) => (statSync(target).mode & 0o7777) === 0o751],
];

t.test('what needs the layers below waits for them', async (t) => {
  for (const [name, entries, holds] of needing) {
    const folder = diskFolder(t);
    const { lower, below, target, unpacking } = await above(folder, entries);
    mkdirSync(path.join(lower, 'd'), { recursive: true });
    writeFileSync(path.join(lower, 'd', 'old'), 'old');
    chmodSync(path.join(lower, 'd'), 0o1770);
    chmodSync(lower, 0o751);
    native().settleBelow(below, true);
    await unpacking;
    t.ok(holds(target), name);
  }
});

t.test('where they never come nothing is left', async (t) => {
  for (const [name, entries] of needing) {
    const { below, target, unpacking } = await above(diskFolder(t), entries);
    native().settleBelow(below, false);
    await t.rejects(unpacking, { code: 'ECANCELED' }, name);
    t.notOk(existsSync(target), name);
  }
});

t.test('many layers at once give the tree of one after the other', async (t) => {
  const folder = diskFolder(t);
  const layers: { tar: Buffer }[] = [{ tar: await layerTar([{ name: './', mode: 0o751 }, { name: 'd/' }]) }];
  for (let i = 0; i < 12; i++) {
    const own = { name: `d/file-${i}`, content: Buffer.alloc(i % 3 === 0 ? 3_000_000 : 10, `${i}`) };
    const last: LayerEntry[] =
      i === 0 ? [] : [{ name: `linked-${i}`, type: 'link', link: `d/file-${i - 1}` }];
    const gone: LayerEntry[] = i % 4 === 3 ? [{ name: `d/.wh.file-${i - 3}` }] : [];
    layers.push({ tar: await layerTar([own, ...last, ...gone]) });
  }
  const roots = { root: path.join(folder, 'root'), state: path.join(folder, 'state') };
  const { reference } = writeImage(path.join(folder, 'good'), { layers });
  await loadImage(roots, reference, { name: 'many' });
  const [first, second] = [path.join(folder, 'first'), path.join(folder, 'second')];
  await unpackImage(roots, 'many', first);
  await unpackImage(roots, reference, second);
  t.strictSame(treeOf(first), treeOf(second));

  const bad = layers.map((layer, i) => (i === 5 ? { ...layer, diffId: digestOf(Buffer.from('x')) } : layer));
  const { reference: broken } = writeImage(path.join(folder, 'bad'), { layers: bad });
  await t.rejects(loadImage(roots, broken, { name: 'broken' }), {
    code: 'IMAGE_CORRUPT',
    message: /layer 6 of 13/,
  });
});
