import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { defaultLimits } from '../../src/containerizer/image/limits.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import { BerthError } from '../../src/errors/berth-error.js';
import { isNativeError, native } from '../../src/native/index.js';
import { digestOf, hexOf } from '../../src/oci-spec/digest.js';
import { type Layer, type LayerEntry, layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import type { Attack } from './attack.js';
import type { Scene } from './scene.js';

export const layers: readonly Attack[] = [
  {
    family: 'layers',
    name: 'an entry of a layer goes through a link to a folder of the host',
    known: ['CVE-2025-11395', 'CVE-2026-17106', 'CVE-2024-12905'],
    defence: 'paths-in-layers',
    stopped: 'harmless',
    attempt: async (scene) => {
      const entries: LayerEntry[] = [
        { name: 'link', type: 'symlink', link: scene.canary },
        { name: 'link/deep/planted', content: 'planted' },
      ];
      await unpack(scene, [entries]);
      return undefined;
    },
  },
  {
    family: 'layers',
    name: 'the name of an entry climbs out by ..',
    known: ['CVE-2025-11395', 'CVE-2025-48387'],
    defence: 'paths-in-layers',
    stopped: 'IMAGE_HOSTILE',
    attempt: async (scene) => {
      await unpack(scene, [[{ name: `${'../'.repeat(30)}${scene.canary.slice(1)}/planted` }]]);
      return undefined;
    },
  },
  {
    family: 'layers',
    name: 'a hard link to a link makes a file of the host part of the image',
    known: ['CVE-2021-32760', 'CVE-2025-47290', 'CVE-2026-23745'],
    defence: 'links-to-links',
    stopped: 'harmless',
    attempt: async (scene) => {
      const entries: LayerEntry[] = [
        { name: 'soft', type: 'symlink', link: path.join(scene.canary, 'file') },
        { name: 'hard', type: 'link', link: 'soft' },
      ];
      await unpack(scene, [entries]);
      return undefined;
    },
  },
  {
    family: 'layers',
    name: 'a whiteout of .. removes what lies beside the tree',
    known: [],
    defence: 'whiteout-names',
    stopped: 'IMAGE_INVALID',
    attempt: async (scene) => {
      // The tree is made inside the canary, so that this is all that can go.
      await unpack(scene, [[{ name: 'a' }], [{ name: '.wh...' }]], scene.canary);
      return undefined;
    },
  },
  {
    family: 'layers',
    name: 'an extended attribute of a layer steers overlayfs',
    known: [],
    defence: 'reserved-attributes',
    stopped: 'harmless',
    attempt: async (scene) => {
      const pax = { 'SCHILY.xattr.trusted.overlay.redirect': '/etc' };
      const tree = await unpack(scene, [[{ name: 'evil/', pax }]]);
      const found = execFileSync('getfattr', ['-d', '-m', 'overlay', path.join(tree, 'evil')], {
        encoding: 'utf8',
      });
      return found === '' ? undefined : found;
    },
  },
  {
    family: 'layers',
    name: 'a layer is another than its digest says',
    known: ['CVE-2026-121885', 'CVE-2026-111361'],
    defence: 'digests',
    stopped: 'IMAGE_CORRUPT',
    attempt: async (scene) => {
      const good = await layerTar([{ name: 'good' }]);
      const evil = gzipSync(await layerTar([{ name: 'evil' }]));
      const genuine = { digest: digestOf(gzipSync(good)), diffId: digestOf(good) };
      const tree = await unpackLayers(scene, [{ tar: good, blob: evil, ...genuine }]);
      return existsSync(path.join(tree, 'evil')) ? 'what nobody vouches for was unpacked' : undefined;
    },
  },
  {
    family: 'layers',
    name: 'a layer unpacks to a thousand times its size',
    known: ['CVE-2026-95838'],
    defence: 'bombs',
    stopped: 'IMAGE_HOSTILE',
    attempt: (scene) => unpackSmall(scene, { ratio: 10, ratioGrace: 2 ** 16 }),
  },
  {
    family: 'layers',
    name: 'a layer has entries without end',
    known: ['CVE-2026-95838'],
    defence: 'entry-count',
    stopped: 'IMAGE_HOSTILE',
    attempt: (scene) => unpackSmall(scene, { entries: 2 }),
  },
];

/** Unpacks an image of these layers as a tree, and gives that tree's folder. */
async function unpack(scene: Scene, layered: LayerEntry[][], folder?: string): Promise<string> {
  const made: Layer[] = [];
  for (const entries of layered) made.push({ tar: await layerTar(entries) });
  return unpackLayers(scene, made, folder);
}

async function unpackLayers(scene: Scene, made: Layer[], folder = scene.fresh('trees')): Promise<string> {
  const { reference } = writeImage(scene.fresh('layout'), { layers: made });
  const tree = path.join(folder, 'tree');
  await unpackImage(scene.stage.roots, reference, tree);
  return tree;
}

/** A layer of a megabyte of zeros and a few names, with limits that are small too. */
async function unpackSmall(scene: Scene, limits: Partial<typeof defaultLimits>): Promise<string> {
  const tar = await layerTar([
    { name: 'a' },
    { name: 'b' },
    { name: 'zeros', content: Buffer.alloc(2 ** 20) },
  ]);
  const blob = gzipSync(tar);
  const file = path.join(scene.fresh('bomb'), 'blob');
  writeFileSync(file, blob);
  const target = path.join(scene.fresh('trees'), 'tree');
  try {
    const { fileBytes, entries } = await native().unpackLayer({
      blob: file,
      compression: 'gzip',
      digest: hexOf(digestOf(blob)),
      size: blob.length,
      diffId: hexOf(digestOf(tar)),
      target,
      mode: 'tree',
      lowers: [],
      overLower: false,
      copy: '',
      limits: { ...defaultLimits, ...limits },
    });
    return `${entries} entries with ${fileBytes} bytes`;
  } catch (error) {
    // As src/containerizer/image/unpack-failure.ts has it.
    if (isNativeError(error) && error.code === 'LIMIT_EXCEEDED')
      throw new BerthError('IMAGE_HOSTILE', { what: 'the layer', why: 'it is over a limit', cause: error });
    throw error;
  }
}
