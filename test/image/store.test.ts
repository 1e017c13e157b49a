import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { imageUser } from '../../src/containerizer/image/image-user.js';
import { setLayerForm } from '../../src/containerizer/image/layer-form.js';
import { inspectImage, listImages } from '../../src/containerizer/image/list.js';
import { loadImage } from '../../src/containerizer/image/load.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { removeImage } from '../../src/containerizer/image/remove.js';
import { makeStore } from '../../src/containerizer/image/store.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import { collectImages } from '../../src/containerizer/reclaim/collect-images.js';
import { pruneImages } from '../../src/containerizer/reclaim/prune-images.js';
import { native } from '../../src/native/index.js';
import { FileLock } from '../../src/state/lock.js';
import { places } from '../../src/state/roots.js';
import { berth, berthCommand } from '../cli/berth.js';
import { busyboxImage } from '../fixtures/busybox-image.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { replaceRecord, restartHost } from '../fixtures/layer-records.js';
import { layerTar, writeImage } from '../fixtures/oci-image-writer.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

const folder = diskFolder(t);
let made = 0;
const freshRoots = () => {
  const base = path.join(folder, `store-${made++}`);
  return { root: path.join(base, 'root'), state: path.join(base, 'state') };
};
/** Layers become folders whatever their size. */
const rootsOfFolders = async () => {
  const roots = freshRoots();
  makeStore(roots);
  await setLayerForm(roots, 'folder');
  return roots;
};
const inStore = (roots: { root: string }, name: string) => path.join(roots.root, 'images', name);
const nobody = () => undefined;
const names = (roots: { root: string }, folder: string) => readdirSync(inStore(roots, folder));

const { reference: busybox } = await busyboxImage(path.join(folder, 'busybox'), {
  config: { User: 'www-data', Labels: null },
});
/** Large enough to be caught in the middle. */
const noise = Buffer.from(Array.from({ length: 4 << 20 }, (_, i) => (i * i * 31 + (i >> 7)) & 0xff));
const slowTar = await layerTar(Array.from({ length: 24 }, (_, i) => ({ name: `file-${i}`, content: noise })));
const { reference: slow } = writeImage(path.join(folder, 'slow'), {
  layers: [{ tar: slowTar, blob: gzipSync(slowTar, { level: 1 }) }],
});

t.test('an index that was being written when its writer was killed stayed for ever', async (t) => {
  const roots = freshRoots();
  await loadImage(roots, busybox, { name: 'box:1' });
  writeFileSync(inStore(roots, 'index.json.4711.3.tmp'), '{"for');
  await removeImage(roots, 'box:1', nobody);
  t.strictSame(
    names(roots, '.').filter((name) => name.startsWith('index.json')),
    ['index.json'],
  );
});

t.test('a document that is damaged is in the way of nothing else', async (t) => {
  const roots = freshRoots();
  await loadImage(roots, busybox, { name: 'good:1' });
  const layout = writeImage(path.join(folder, 'damaged'), {
    layers: [{ tar: await layerTar([{ name: 'x' }]) }],
  });
  const { manifestDigest } = await loadImage(roots, layout.reference, { name: 'bad:1' });
  const at = ['--root', roots.root, '--state', roots.state];
  const manifest = inStore(roots, `blobs/sha256/${manifestDigest.slice(7)}`);
  writeFileSync(manifest, `${readFileSync(manifest, 'utf8')} `);
  t.match(berth(['image', 'ls', ...at]), {
    status: 0,
    stdout: /^IMAGE.*\ngood:1 .*\n$/,
    stderr:
      /^berth: image bad:1: its digest should be .*\nWhat the store has of it is damaged: fetch, load or/,
  });
  t.equal(berth(['df', ...at]).status, 0);
  t.match(berth(['run', ...at, '--pull', 'never', 'bad:1']), {
    status: 125,
    stderr: /bad:1: .*\nWhat the store has/,
  });
  await collectImages(roots, { keep: [] }, { dryRun: false });
  t.equal((await provideImage(roots, 'good:1')).layers.length, 1);
  await loadImage(roots, layout.reference, { name: 'bad:1' });
  t.equal((await provideImage(roots, 'bad:1')).layers.length, 1, 'it comes again');
  writeFileSync(manifest, '');
  await pruneImages(roots, { all: false });
  await removeImage(roots, 'good:1', nobody);
  await removeImage(roots, 'bad:1', nobody);
  t.strictSame([...names(roots, 'layers'), ...names(roots, 'blobs/sha256')], []);
});

t.test('load, list, inspect, provide, remove', async (t) => {
  const roots = freshRoots();
  const events: string[] = [];
  const loaded = await loadImage(roots, busybox, {
    name: 'box:1',
    onProgress: (event) => events.push(event.kind),
  });
  t.equal(loaded.name, 'box:1');
  t.ok(events.includes('layer-start') && events.includes('layer-done'));
  t.equal(statSync(inStore(roots, '.')).mode & 0o777, 0o700, 'nobody else reaches setuid files in layers');

  const [listed] = listImages(roots);
  t.match(listed, { name: 'box:1', manifestDigest: loaded.manifestDigest, layers: 1 });
  t.ok((listed?.size ?? 0) > 1e6);
  t.equal(inspectImage(roots, 'box:1').config.config?.User, 'www-data');

  const image = await provideImage(roots, 'box:1');
  t.match(image, { name: 'box:1', manifestDigest: loaded.manifestDigest, warnings: [] });
  t.ok(existsSync(path.join(image.layers[0] ?? '', 'bin/busybox')));
  await provideImage(roots, `box:1@${loaded.manifestDigest}`);
  await t.rejects(provideImage(roots, `box:1@sha256:${'0'.repeat(64)}`), { code: 'IMAGE_NOT_FOUND' });

  await loadImage(roots, busybox, { name: 'box:2' });
  t.match(await removeImage(roots, 'box:1', nobody), { contentRemoved: false });
  t.equal((await provideImage(roots, 'box:2')).layers.length, 1, 'the other name still has its layers');
  const record = places.container(roots, 'some-id');
  mkdirSync(record, { recursive: true });
  writeFileSync(
    path.join(record, 'container.json'),
    JSON.stringify({ manifest_digest: loaded.manifestDigest }),
  );
  await t.rejects(removeImage(roots, 'box:2', imageUser(roots)), {
    code: 'IMAGE_IN_USE',
    message: /some-id needs it/,
  });
  rmSync(record, { recursive: true });
  await removeImage(roots, 'box:2', imageUser(roots));
  t.strictSame(
    [...names(roots, 'layers'), ...names(roots, 'blobs/sha256'), ...readdirSync(places.trash(roots))],
    [],
  );
  await t.rejects(removeImage(roots, 'box:2', nobody), { code: 'IMAGE_NOT_FOUND' });
});

t.test('the verbs', async (t) => {
  const roots = freshRoots();
  const run = (...args: string[]) => berth(['image', ...args, '--root', roots.root, '--state', roots.state]);
  const json = (...args: string[]) => JSON.parse(run(...args, '--json').stdout) as Record<string, unknown>;
  const load = run('load', busybox);
  t.match(load, {
    status: 0,
    stdout: /^busybox:latest@sha256:[0-9a-f]{64}\n$/,
    stderr: /^layer 1\/1 [0-9a-f]{12}: unpacking/,
  });
  t.notMatch(load.stderr, /[^ -~\n]/, 'no bars where there is no terminal');
  t.match(json('ls'), { images: [{ name: 'busybox:latest', layers: 1 }] });
  t.match(run('ls').stdout, /^IMAGE +DIGEST +LAYERS +SIZE +CREATED +LOADED\nbusybox:latest /);
  t.match(json('inspect', 'busybox'), { name: 'busybox:latest', config: { config: { User: 'www-data' } } });
  const target = path.join(folder, 'unpacked');
  t.match(json('unpack', 'busybox', target), { directory: target, warnings: [] });
  t.ok(existsSync(path.join(target, 'bin/busybox')));
  t.match(run('unpack', 'busybox', target), { status: 125, stderr: /exists already/ });
  t.match(run('rm', 'nope'), { status: 125, stderr: /^berth: image nope: it is not in the store\nSee / });
  t.match(run('load', 'docker-archive:x.tar'), { status: 125, stderr: /there is no file \S+x\.tar/ });
  t.match(run('load', 'containers-storage:x'), {
    status: 125,
    stderr: /it is in podman's own store\nTake it from there: podman save/,
  });
  t.match(json('rm', 'busybox'), { name: 'busybox:latest', content_removed: true });
});

t.test('a layout whose tag moves is looked at again; an unchanged one is not', async (t) => {
  const roots = freshRoots();
  const layout = path.join(folder, 'moving');
  const tars = await Promise.all(['one', 'two'].map((content) => layerTar([{ name: 'file', content }])));
  const [first, second] = tars.map((tar) => () => writeImage(layout, { layers: [{ tar }] }));
  first?.();
  const before = await provideImage(roots, `oci:${layout}`);
  rmSync(path.join(layout, 'blobs'), { recursive: true });
  t.strictSame(
    await provideImage(roots, `oci:${layout}`),
    before,
    'what the store has needs no blobs of the layout',
  );
  second?.();
  const after = await provideImage(roots, `oci:${layout}`);
  t.equal(readFileSync(path.join(after.layers[0] ?? '', 'file'), 'utf8'), 'two');
  t.not(after.manifestDigest, before.manifestDigest);
});

t.test('an image that is there is provided fast, and only if it is sound', async (t) => {
  const roots = freshRoots();
  const taken = async <T>(what: () => Promise<T>): Promise<[T, number]> => {
    const start = performance.now();
    return [await what(), performance.now() - start];
  };
  const [{ manifestDigest }, loading] = await taken(() => loadImage(roots, busybox, { name: 'box' }));
  let fastest = loading;
  for (let i = 0; i < 20; ++i)
    fastest = Math.min(fastest, (await taken(() => provideImage(roots, 'box')))[1]);
  t.ok(fastest < loading / 4, `${fastest.toFixed(2)} ms, and ${loading.toFixed(2)} ms to load it`);

  const layer = names(roots, 'layers')[0] ?? '';
  const record = inStore(roots, `layers/${layer}/layer.json`);
  const stored = JSON.parse(readFileSync(record, 'utf8')) as Record<string, unknown>;
  const inode = () => statSync(inStore(roots, `layers/${layer}/fs`)).ino;
  await restartHost(roots, { powerLoss: false });
  const first = inode();
  await provideImage(roots, 'box');
  t.equal(inode(), first, 'one that is on the disk is believed after the next start of the host too');
  for (const damage of [JSON.stringify({ ...stored, boot_id: 'of an earlier boot' }), '{"format":1', '']) {
    const before = inode();
    replaceRecord(record, damage, { settled: false });
    await provideImage(roots, 'box');
    t.not(inode(), before, 'a layer that may be incomplete is unpacked again, from the blob in the store');
  }
  writeFileSync(inStore(roots, `blobs/sha256/${manifestDigest.slice(7)}`), '{}');
  await t.rejects(provideImage(roots, 'box'), { code: 'IMAGE_CORRUPT' });
  writeFileSync(inStore(roots, 'index.json'), '{"format":1,"ima');
  await t.rejects(provideImage(roots, 'box'), { code: 'STATE_DAMAGED', message: /index\.json/ });
});

t.test('an image has its name once its blobs are on the disk', async (t) => {
  const roots = freshRoots();
  const { syncFiles } = native();
  const synced: string[] = [];
  native().syncFiles = async (paths) => {
    t.strictSame(listImages(roots), []);
    for (const each of paths) t.ok(existsSync(each));
    synced.push(...paths);
    return syncFiles(paths);
  };
  t.teardown(() => {
    native().syncFiles = syncFiles;
  });
  await loadImage(roots, busybox, { name: 'box' });
  const { layers } = inspectImage(roots, 'box').manifest;
  const blobs = inStore(roots, 'blobs/sha256');
  t.strictSame(synced, [...layers.map(({ digest }) => path.join(blobs, digest.slice(7))), blobs]);
});

t.test('processes that load one image at once unpack it once', async (t) => {
  const roots = freshRoots();
  const [file = '', ...rest] = berthCommand;
  const loads = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      const child = spawn(file, [...rest, 'image', 'load', slow, name, '--root', roots.root]);
      let notes = '';
      child.stderr.on('data', (part: Buffer) => (notes += part.toString()));
      const [status] = (await once(child, 'close')) as [number];
      return { status, notes };
    }),
  );
  t.strictSame(
    loads.map(({ status }) => status),
    [0, 0, 0],
  );
  t.equal(loads.filter(({ notes }) => notes.includes('unpacking')).length, 1);
  t.equal(loads.filter(({ notes }) => notes.includes('already there')).length, 2);
  t.strictSame(
    listImages(roots).map(({ name }) => name),
    ['a:latest', 'b:latest', 'c:latest'],
  );
  t.strictSame(names(roots, 'sessions'), []);
});

t.test('killed while loading: the next load works and leaves nothing of the first', async (t) => {
  const [file = '', ...rest] = berthCommand;
  /** A store whose load was killed in the middle. Undefined: this process came to kill it too late. */
  const halfLoaded = async () => {
    const roots = await rootsOfFolders();
    const child = spawn(file, [...rest, 'image', 'load', slow, '--root', roots.root], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const sessions = inStore(roots, 'sessions');
    const midway = () =>
      existsSync(sessions) &&
      readdirSync(sessions, { recursive: true }).some((name) => String(name).endsWith('file-3'));
    while (!midway() && child.exitCode === null) await sleep(2);
    child.kill('SIGKILL');
    await ended;
    if (child.signalCode !== null) t.ok(readdirSync(sessions).length > 0, 'it was caught in the middle');
    return child.signalCode === null ? undefined : roots;
  };
  let roots = await halfLoaded();
  for (let tries = 1; tries < 20 && roots === undefined; tries++) roots = await halfLoaded();
  if (roots === undefined) throw new Error('no load could be killed in the middle');
  t.strictSame(listImages(roots), []);

  await loadImage(roots, slow, { name: 'slow' });
  t.strictSame(names(roots, 'sessions'), []);
  t.strictSame(names(roots, 'layers').length, 1);
  t.strictSame(readdirSync(places.trash(roots)), []);
});

t.test('a layer that fails takes the ones below it along', async (t) => {
  const roots = freshRoots();
  const good = await layerTar([{ name: 'good' }]);
  const bad = await layerTar([{ name: '../bad' }]);
  const { reference } = writeImage(path.join(folder, 'half'), { layers: [{ tar: good }, { tar: bad }] });
  await t.rejects(loadImage(roots, reference), { code: 'IMAGE_HOSTILE' });
  t.strictSame([...names(roots, 'layers'), ...names(roots, 'blobs/sha256')], []);
});

t.test('the same content compressed anew shares the layer, and both blobs are kept', async (t) => {
  const roots = freshRoots();
  const tar = await layerTar([{ name: 'file', content: 'x'.repeat(1000) }]);
  for (const level of [1, 9]) {
    const { reference } = writeImage(path.join(folder, `level-${level}`), {
      layers: [{ tar, blob: gzipSync(tar, { level }) }],
      config: { Labels: { level: String(level) } },
    });
    await loadImage(roots, reference);
  }
  t.equal(names(roots, 'layers').length, 1);
  t.equal(names(roots, 'blobs/sha256').length, 6);
  await unpackImage(roots, 'level-9', path.join(folder, 'level-9-tree'));
  t.ok(existsSync(path.join(folder, 'level-9-tree', 'file')));
});

t.test('a tree of any depth and any names is removed, and what its links point at stays', async (t) => {
  const deep = path.join(folder, 'deep');
  cpSync(path.join(folder, 'busybox'), path.join(deep, 'copy'), { recursive: true });
  mkdirSync(path.join(folder, 'kept'));
  const dig = "import os,sys; os.chdir(sys.argv[1]); os.symlink('../kept', 'link'); open(b'nam\\xe9', 'w')\n";
  const deeper = "for _ in range(3000): os.mkdir('d'); os.chdir('d'); open('f', 'w').close()\n";
  execFileSync('python3', ['-c', dig + deeper, deep]);
  await native().removeTree(deep);
  t.notOk(existsSync(deep));
  t.ok(existsSync(path.join(folder, 'kept')));
  await native().removeTree(deep);
});

t.test('a lock excludes, is shared, and dies with its holder', async (t) => {
  const file = path.join(folder, 'lock');
  const held = await FileLock.take(file);
  t.equal(FileLock.attempt(file), undefined);
  const waiting = FileLock.take(file, 'shared');
  held.discard();
  const shared = await waiting;
  t.ok(existsSync(file), 'who waited for a lock that was discarded holds the new one');
  const other = FileLock.attempt(file, 'shared');
  t.ok(other);
  t.equal(FileLock.attempt(file, 'exclusive'), undefined);
  other?.release();
  shared.release();
  t.ok(FileLock.attempt(file));
});
