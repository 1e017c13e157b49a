import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { sweepShared } from '../../src/containerizer/container/shared-sweep.js';
import {
  chooseForm,
  type LayerForm,
  largeLayer,
  layerSetting,
  setLayerForm,
} from '../../src/containerizer/image/layer-form.js';
import { loadImage } from '../../src/containerizer/image/load.js';
import { closeLayer, isMounted, openAgain } from '../../src/containerizer/image/open-layer.js';
import type { ImageEvent } from '../../src/containerizer/image/progress.js';
import { type ProvidedImage, provideImage } from '../../src/containerizer/image/provide.js';
import { removeImage } from '../../src/containerizer/image/remove.js';
import { emptyTrash, makeStore, storePaths, trashPath } from '../../src/containerizer/image/store.js';
import type { Roots } from '../../src/state/roots.js';
import { Stage } from '../container/stage.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { type LayerEntry, layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { treeOf } from './tree.js';

if (process.geteuid?.() !== 0) t.bailout('layers need root: owners, capabilities, mounts');

/** Gone with the test, mounts first. */
async function storeOf(t: Test, form: LayerForm): Promise<Roots> {
  const folder = diskFolder(t);
  const roots = { root: path.join(folder, 'root'), state: path.join(folder, 'state') };
  makeStore(roots);
  await setLayerForm(roots, form);
  t.teardown(() => {
    for (const id of readdirSync(storePaths(roots).layers)) closeLayer(roots, id);
  });
  return roots;
}

async function stored(roots: Roots, reference: string, events: ImageEvent[] = []): Promise<ProvidedImage> {
  await loadImage(roots, reference, { name: 'tried', onProgress: (event) => events.push(event) });
  const image = await provideImage(roots, 'tried');
  openAgain(roots, image.layers);
  return image;
}

const directories = ({ mounted = [] }: ProvidedImage) => mounted.map(({ directory }) => directory);

const imageOf = (directory: string) => path.join(path.dirname(directory), 'fs.erofs');

/** What nobody here wrote has no fault to find with the images. */
function fsck(image: ProvidedImage): void {
  for (const directory of image.layers) execFileSync('fsck.erofs', [imageOf(directory)], { stdio: 'pipe' });
}

/** With what overlayfs reads of it. */
function wholeTree(directory: string): string[] {
  const opaque = execFileSync(
    'getfattr',
    ['-Rhd', '-m', 'trusted.overlay', '-e', 'hex', '--absolute-names', '.'],
    { cwd: directory, encoding: 'latin1' },
  );
  // A folder's whiteouts are from when it was unpacked.
  const tree = treeOf(directory).map((line) => line.replace(/( 20000 0:0) .*$/, '$1'));
  return [...tree, ...opaque.split('\n\n').sort()];
}

/** Numbers from a seed: the same for everybody (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Entries whose names meet each other and those of other layers. */
function randomEntries(below: (most: number) => number): LayerEntry[] {
  const made: string[] = [];
  const sizes = [0, 1, 100, 2047, 2048, 2049, 4095, 4096, 4097, 6144, 8192, 300_000, 1_050_000];
  const folder = () => {
    const parts = ['a', 'b', 'usr', 'lib', `n${'o'.repeat(below(3) * 100)}`];
    return Array.from({ length: 1 + below(3) }, () => parts[below(parts.length)] ?? 'a').join('/');
  };
  // Now and then what was a folder, or is one elsewhere, becomes something else.
  const place = () => (below(40) === 0 ? folder() : `${folder()}/f${below(6)}`);
  const one = (): LayerEntry[] => {
    const name = place();
    const directory = folder();
    const owner = { mode: below(0o10000), uid: below(65536), gid: below(65536) };
    const pax = { mtime: `${below(2_000_000_000) - 200_000_000}.${below(1000)}` };
    switch (below(9)) {
      case 0:
      case 1:
        return [{ name: `${directory}/`, ...owner, pax }];
      case 2:
        return [{ name, type: 'symlink', link: below(2) === 0 ? folder() : `/${place()}`, pax }];
      case 3: {
        const link = made[below(Math.max(1, made.length))];
        return link === undefined ? [] : [{ name, type: 'link', link }];
      }
      case 4:
        return [
          { name: path.join(path.dirname(name), `.wh.${path.basename(below(4) === 0 ? directory : name)}`) },
        ];
      case 5:
        return below(3) === 0
          ? [{ name: `${directory}/.wh..wh..opq` }]
          : [{ name, type: 'fifo', ...owner, pax }];
      default: {
        made.push(name);
        const content = Buffer.alloc(sizes[below(sizes.length)] ?? 0, `${below(1000)}`);
        const attributes: Record<string, string> =
          below(4) === 0
            ? { 'SCHILY.xattr.user.note': 'n'.repeat(below(3000)), 'SCHILY.xattr.trusted.x': 'x' }
            : {};
        return [{ name, content, ...owner, pax: { ...pax, ...attributes } }];
      }
    }
  };
  return Array.from({ length: 50 }, one).flat();
}

const probeFolder = diskFolder(t);
const probed = { root: path.join(probeFolder, 'root'), state: path.join(probeFolder, 'state') };
makeStore(probed);
const { instead } = chooseForm(probed, 'erofs', 0);
const possible = instead === undefined ? {} : { skip: instead };

const impossible = instead === undefined ? { skip: 'a kernel that cannot mount images from files' } : {};

t.test('where a host cannot mount them, layers become folders, and why is told', impossible, async (t) => {
  const roots = await storeOf(t, 'erofs');
  const events: ImageEvent[] = [];
  const { reference } = writeImage(path.join(diskFolder(t), 'image'), {
    layers: [{ tar: await layerTar([{ name: 'x', content: 'x' }]) }],
  });
  const { layers } = await stored(roots, reference, events);
  t.match(events, [{ kind: 'layer-start', form: 'folder', instead }]);
  t.equal(readFileSync(path.join(layers[0] ?? '', 'x'), 'utf8'), 'x');
});

t.test('a store that was told nothing makes files of large layers alone, where it can', (t) => {
  t.equal(layerSetting(probed), 'auto');
  t.strictSame(chooseForm(probed, undefined, largeLayer - 1), { form: 'folder' });
  const large = { form: instead === undefined ? 'erofs' : 'folder' };
  t.strictSame(chooseForm(probed, undefined, largeLayer), large, 'and says nothing of what nobody asked for');
  t.strictSame(chooseForm(probed, 'folder', largeLayer), { form: 'folder' });
  t.end();
});

t.test('whatever layers say, an image has what a folder has', possible, async (t) => {
  let compared = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const below = randomNumbers(seed);
    const layers = [];
    for (let i = 0; i < 3; i++) layers.push({ tar: await layerTar(randomEntries(below)) });
    const { reference } = writeImage(path.join(diskFolder(t), 'image'), { layers });
    const [folders, images] = [await storeOf(t, 'folder'), await storeOf(t, 'erofs')];
    const outcomes = await Promise.all(
      [folders, images].map((roots) =>
        stored(roots, reference).catch((error: unknown) => (error as Error).message),
      ),
    );
    const [asFolders, asImages] = outcomes;
    if (typeof asFolders !== 'object' || typeof asImages !== 'object') {
      // Half of what chance makes is no layer at all: then for the same reason.
      t.equal(asImages, asFolders, `seed ${seed}: ${asFolders}`);
      continue;
    }
    compared++;
    t.strictSame(directories(asImages), asImages.layers);
    for (const [i, directory] of asFolders.layers.entries())
      t.strictSame(wholeTree(asImages.layers[i] ?? ''), wholeTree(directory), `seed ${seed}, layer ${i}`);
    fsck(asImages);
  }
  t.ok(compared >= 3, `${compared} could be compared`);
});

t.test('holes, names, attributes and sizes at every edge', possible, async (t) => {
  const folder = diskFolder(t);
  const tree = path.join(folder, 'tree');
  const script = `
    mkdir -p tree/many tree/empty && cd tree
    truncate -s 70M holes && printf x | dd of=holes bs=1 seek=70000000 conv=notrunc status=none
    printf y | dd of=holes bs=1 seek=5000 conv=notrunc status=none && truncate -s 1T all-hole && truncate -s 5001 tail-hole
    for i in $(seq 2000); do echo $i > many/a-file-with-number-$i; done; ln many/a-file-with-number-7 again
    ln -s "$(printf '%04095d' 0)" longest; : > "$(printf '%0255d' 0)"; printf '!' > '!'; touch '..x' '...'; touch -d @-86400.5 old
    setfattr -n user.large -v 0x$(head -c 3500 /dev/zero | xxd -p | tr -d '\\n') old
    setfacl -m u:7:rw -m d:u:8:rx empty; chmod 6711 again; chown 65535:65535 empty
    cd .. && tar --xattrs --xattrs-include='*' --acls -S --format=pax -cf tree.tar -C tree .`;
  execFileSync('sh', ['-ec', script], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const { reference } = writeImage(path.join(folder, 'image'), {
    layers: [{ tar: readFileSync(path.join(folder, 'tree.tar')) }],
  });
  const image = await stored(await storeOf(t, 'erofs'), reference);
  const mounted = image.layers[0] ?? '';
  t.equal(statSync(path.join(mounted, 'all-hole')).size, 2 ** 40);
  // Reading a terabyte of nothing takes a while.
  const skip = (name: string) => name === '/all-hole';
  t.strictSame(treeOf(mounted, { skip }), treeOf(tree, { skip }));
  t.ok(statSync(imageOf(mounted)).blocks * 512 < 16 << 20, 'holes take no room');
  // Debian's fsck.erofs reads all of a file, a terabyte too.
  execFileSync('dump.erofs', [imageOf(mounted)]);
});

t.test('containers live on images as on folders', possible, async (t) => {
  const stage = await Stage.open(t);
  t.equal(stage.berth('image layers', 'erofs').stdout, 'erofs\n');
  const own: LayerEntry[] = [
    { name: 'etc/.wh.passwd' },
    { name: 'data/', mode: 0o700, uid: 5, gid: 6 },
    { name: 'data/file', content: 'from the image', uid: 5, gid: 6 },
  ];
  const image = await stage.makeImage(own);
  // The lowest layer came before the store was told, and stays the folder that it is.
  t.equal(image.layers.length, 2);
  t.strictSame(directories(image), image.layers.slice(0, 1));
  const [mounted = ''] = image.layers;
  t.equal(
    await stage.sh(
      'stat -c "%u:%g %a" /data/file; echo ,more >> /data/file; cat /data/file; ls /etc',
      {},
      image,
    ),
    '5:6 644\nfrom the image,more\ngroup',
  );

  // Somebody takes it off, or the host has been started anew: the next launch mounts it.
  t.ok(isMounted(mounted));
  execFileSync('umount', [mounted]);
  t.equal(await stage.sh('cat /data/file', {}, image), 'from the image');
  sweepShared(stage.roots);

  // A container that stays is started, compared, copied and written out on it too, and none of that leaves it mounted.
  const name = image.reference;
  const berth = (verb: string, ...args: string[]) => {
    const { status, stdout, stderr } = stage.berth(verb, ...args);
    t.notOk(isMounted(mounted), verb);
    return status === 0 ? stdout : stderr;
  };
  berth('create', '--name', 'kept', name, 'sh', '-c', 'echo new > /data/new; rm /data/file');
  t.equal(berth('start', '-a', 'kept'), '');
  t.equal(berth('diff', 'kept'), 'C /data\nD /data/file\nA /data/new\n');
  t.match(berth('export', 'kept'), /data\/new/);
  t.match(berth('cp', 'kept:/data/new', '-'), 'new\n');
  t.equal(berth('cp', 'kept:/etc/group', '-').includes('root'), true);
  berth('commit', 'kept', 'made');
  t.match(stage.berth('image rm', name).stderr, /in use|needs it/);
  t.equal(stage.berth('rm', 'kept').status, 0);

  // Another image shares the layer.
  t.equal(stage.berth('image rm', name).status, 0);
  t.ok(existsSync(mounted));
  t.equal(berth('run', '--rm', 'made', 'cat', '/data/new'), 'new\n');
  t.equal(stage.berth('image rm', 'made').status, 0);
  t.notOk(existsSync(mounted));
});

t.test('a layer that no image has room for becomes a folder', possible, async (t) => {
  const roots = await storeOf(t, 'erofs');
  const root = { name: './', pax: { 'SCHILY.xattr.user.note': 'n'.repeat(3000) } };
  const { reference } = writeImage(path.join(diskFolder(t), 'image'), {
    layers: [{ tar: await layerTar([root, { name: 'x', content: 'x' }]) }],
  });
  const events: ImageEvent[] = [];
  const { layers, mounted } = await stored(roots, reference, events);
  t.match(events[1], { kind: 'layer-start', form: 'folder', instead: /its root/ });
  t.strictSame(mounted, []);
  t.equal(readFileSync(path.join(layers[0] ?? '', 'x'), 'utf8'), 'x');
});

t.test('what was mounted once more as it was thrown away goes too', possible, async (t) => {
  const roots = await storeOf(t, 'erofs');
  const { reference } = writeImage(path.join(diskFolder(t), 'image'), {
    layers: [{ tar: await layerTar([{ name: 'x', content: 'x' }]) }],
  });
  const { layers } = await stored(roots, reference);
  const folder = path.dirname(layers[0] ?? '');
  // A launch that reads the layer between its unmounting and its renaming.
  renameSync(folder, trashPath(roots, path.basename(folder)));
  await emptyTrash(roots);
  t.strictSame(readdirSync(storePaths(roots).trash), []);
  t.notMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(roots.root));
});

t.test('only what was written is mounted', possible, async (t) => {
  const roots = await storeOf(t, 'erofs');
  const { reference } = writeImage(path.join(diskFolder(t), 'image'), {
    layers: [{ tar: await layerTar([{ name: 'x', content: 'x'.repeat(5000) }]) }],
  });
  const image = await stored(roots, reference);
  const [directory = ''] = image.layers;
  const inode = statSync(imageOf(directory)).ino;
  closeLayer(roots, path.basename(path.dirname(directory)));
  truncateSync(imageOf(directory), 4096);
  const events: ImageEvent[] = [];
  const mended = await provideImage(roots, 'tried', { onProgress: (event) => events.push(event) });
  t.match(
    events,
    [{ kind: 'layer-start', form: 'erofs' }, { kind: 'layer-done' }],
    'it is made again of its blob',
  );
  t.not(statSync(imageOf(directory)).ino, inode);
  openAgain(roots, mended.layers);
  t.equal(readFileSync(path.join(mended.layers[0] ?? '', 'x'), 'utf8').length, 5000);

  await removeImage(roots, 'tried', () => undefined);
  t.notOk(existsSync(path.dirname(directory)));
  t.notMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(roots.root), 'no mount stays');
});
