import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { defaultLimits } from '../../src/containerizer/image/limits.js';
import { listImages } from '../../src/containerizer/image/list.js';
import { loadImage, loadImages } from '../../src/containerizer/image/load.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { native } from '../../src/native/index.js';
import { berthCommand } from '../cli/berth.js';
import { archiveOf, compressed, type SavedSpec, savedContent } from '../fixtures/archive-writer.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { type LayerEntry, layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { Stage } from './stage.js';
import { treeOf } from './tree.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

const folder = diskFolder(t, { 'canary/file': 'untouched' });
let stages = 0;
/** Each with a store of its own. */
const freshStage = () => {
  const own = path.join(folder, `stage-${stages++}`);
  mkdirSync(path.join(own, 'canary'), { recursive: true });
  return new Stage(own);
};

const entries: LayerEntry[] = [
  { name: 'etc/', mode: 0o755 },
  { name: 'etc/motd', content: 'hello', uid: 3, gid: 4 },
  { name: 'bin/tool', content: Buffer.alloc(100_000, 'tool'), mode: 0o4755 },
];
const lower = await layerTar(entries);
const upper = await layerTar([{ name: 'etc/.wh.motd' }, { name: 'etc/issue', content: 'upper' }]);
const plain = (tar: Buffer) => ({ tar, blob: tar });

t.test('archives that other tools write, however they are compressed', async (t) => {
  const stage = freshStage();
  const { reference } = writeImage(path.join(folder, 'source'), {
    layers: [{ tar: lower }, { tar: upper }],
    config: { User: '3', Cmd: ['/bin/tool'] },
  });
  const { layers } = await provideImage(stage.roots, reference);
  const expected = layers.map((layer) => treeOf(layer, { times: false }));
  const copy = (to: string) =>
    execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', reference, to], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  for (const form of ['oci-archive', 'docker-archive']) {
    const file = path.join(folder, `web-${form}.tar`);
    copy(`${form}:${file}:localhost/web:1.2`);
    for (const program of ['gzip', 'zstd', 'xz', 'bzip2'] as const) {
      writeFileSync(`${file}.${program}`, compressed(program, readFileSync(file)));
    }
    for (const tail of ['', ':1.2', ':localhost/web:1.2', '.gzip', '.zstd:1.2', '.xz', '.bzip2']) {
      const image = await provideImage(freshStage().roots, `${form}:${file}${tail}`);
      t.strictSame(
        image.layers.map((layer) => treeOf(layer, { times: false })),
        expected,
        `${form}${tail}`,
      );
      t.match(image.config.config, { User: '3', Cmd: ['/bin/tool'] });
    }
    const loaded = await loadImages(stage.roots, file);
    t.match(loaded, [{ name: 'localhost/web:1.2', warnings: [] }]);
    const missing = `${form}:${file}:9`;
    await freshStage().refuses(t, 'a tag that is not there', missing, 'IMAGE_NOT_FOUND', /no image tagged 9/);
  }
  const { roots } = freshStage();
  const command = [...berthCommand, 'image', 'load', '--root', roots.root, '-i', '-', 'piped'];
  const [program = '', ...args] = command;
  const input = readFileSync(path.join(folder, 'web-docker-archive.tar.zstd'));
  t.match(execFileSync(program, args, { input, encoding: 'utf8', stdio: 'pipe' }), /^piped:latest@sha256:/);
});

t.test('what docker save writes: shared layers as links, several images, every compression', async (t) => {
  const stage = freshStage();
  const images: SavedSpec[] = [
    { tags: ['one:1', 'docker.io/library/one:latest'], layers: [plain(lower), plain(upper)] },
    { tags: ['two:2'], layers: [plain(lower), { tar: upper, blob: compressed('gzip', upper) }] },
    { tags: ['three:3'], layers: [{ tar: lower, blob: compressed('xz', lower) }] },
    { tags: ['four:4'], layers: [{ tar: lower, blob: compressed('bzip2', lower) }] },
    { tags: ['five:5'], layers: [{ tar: lower, blob: compressed('zstd', lower) }] },
  ];
  const file = archiveOf(folder, path.join(folder, 'saved.tar'), savedContent(images));
  const loaded = await loadImages(stage.roots, file);
  t.strictSame(
    loaded.map(({ name }) => name),
    ['one:1', 'one:latest', 'two:2', 'three:3', 'four:4', 'five:5'],
  );
  const trees = await Promise.all(
    loaded.map(async ({ name }) =>
      (await provideImage(stage.roots, name)).layers.map((layer) => treeOf(layer, { times: false })),
    ),
  );
  t.strictSame(trees[2], trees[0], 'two:2 is one:1');
  for (const tree of trees.slice(3)) t.strictSame(tree, [trees[0]?.[1]]);
  t.equal(
    (await loadImage(stage.roots, `docker-archive:${file}:two:2`, { name: 'x' })).manifestDigest,
    loaded[2]?.manifestDigest,
  );
  await t.rejects(loadImages(stage.roots, file, { name: 'x' }), { code: 'USAGE', message: /5 images/ });
});

t.test('archives that are refused', async (t) => {
  const stage = freshStage();
  const good = savedContent([{ tags: ['a:1'], layers: [plain(lower)] }]);
  const [layerName = ''] = Object.keys(good).filter((name) => name.endsWith('layer.tar'));
  const [configName = ''] = Object.keys(good).filter((name) => name.endsWith('.json') && name.length > 60);
  const archive = (content: Parameters<typeof archiveOf>[2]) =>
    `docker-archive:${archiveOf(folder, `${stage.fresh()}.tar`, content)}`;
  const { [layerName]: _layer, ...withoutLayer } = good;
  const { 'manifest.json': _index, ...withoutIndex } = good;
  const refused: [string, string, Parameters<typeof stage.refuses>[3], RegExp][] = [
    ['a layer is missing', archive(withoutLayer), 'IMAGE_INVALID', /layer\.tar" is missing/],
    ['before Docker 1.10', archive(withoutIndex), 'IMAGE_INVALID', /no manifest\.json/],
    ['another layer', archive({ ...good, [layerName]: upper }), 'IMAGE_CORRUPT', /diff id/],
    [
      'another configuration',
      archive({ ...good, [configName]: '{}' }),
      'IMAGE_CORRUPT',
      /its member \S+ has the digest/,
    ],
    [
      'a link out of the archive',
      archive({ ...good, [layerName]: '->../../../../etc/passwd' }),
      'IMAGE_INVALID',
      /is missing/,
    ],
    ['an absolute link', archive({ ...good, [layerName]: '->/etc/passwd' }), 'IMAGE_INVALID', /is missing/],
    ['a link to itself', archive({ ...good, [layerName]: '->layer.tar' }), 'IMAGE_INVALID', /is missing/],
    [
      'an index that is none',
      archive({ ...good, 'manifest.json': '[{"Config":1}]' }),
      'IMAGE_INVALID',
      /Config is not a string/,
    ],
    ['no JSON', archive({ ...good, 'manifest.json': '[' }), 'IMAGE_INVALID', /not JSON/],
    ['no image', archive({ ...good, 'manifest.json': '[]' }), 'IMAGE_NOT_FOUND', /no image/],
    [
      'no archive',
      `docker-archive:${path.join(folder, 'canary', 'file')}`,
      'IMAGE_INVALID',
      /inside a header/,
    ],
    [
      'an OCI archive that is none',
      archive(good).replace('docker', 'oci'),
      'IMAGE_NOT_FOUND',
      /no oci-layout/,
    ],
  ];
  const raw = async (given: LayerEntry[]) => {
    const file = `${stage.fresh()}.tar`;
    writeFileSync(file, await layerTar(given));
    return `docker-archive:${file}`;
  };
  refused.push(
    ['a name with ..', await raw([{ name: '../../x' }]), 'IMAGE_HOSTILE', /'\.\.' in its name/],
    [
      'two members of one name',
      await raw([
        { name: 'manifest.json', content: '[]' },
        { name: './manifest.json', content: '[ ]' },
      ]),
      'IMAGE_INVALID',
      /there twice/,
    ],
  );
  for (const [name, reference, code, why] of refused) await stage.refuses(t, name, reference, code, why);
  const cut = readFileSync(archive(good).slice('docker-archive:'.length));
  const file = `${stage.fresh()}.tar`;
  writeFileSync(file, compressed('gzip', cut).subarray(0, -9));
  await stage.refuses(t, 'cut short', `docker-archive:${file}`, 'IMAGE_INVALID', /end too early/);
});

t.test('what the members of an archive may be, all together', async (t) => {
  const made = path.join(folder, 'members');
  mkdirSync(made);
  for (const name of ['a', 'b']) {
    writeFileSync(path.join(made, name), 'x');
    truncateSync(path.join(made, name), 300_000);
  }
  const input = path.join(folder, 'members.tar');
  execFileSync('tar', ['-C', made, '-Scf', input, 'a', 'b']);
  t.ok(statSync(input).size < 20_000, 'they are holes');
  const zipped = path.join(folder, 'members.gz');
  writeFileSync(zipped, gzipSync(readFileSync(input), { level: 9 }));
  let number = 0;
  const outcome = async (limits: Partial<typeof defaultLimits>, members = 2, file = input) => {
    const into = path.join(folder, `taken-${number++}`);
    mkdirSync(into);
    const given = { input: file, folder: into, members, limits: { ...defaultLimits, ...limits } };
    return native()
      .extractArchive(given)
      .then(
        ({ length }) => length,
        (error: { code: string }) => error.code,
      );
  };
  t.equal(await outcome({ bytes: 600_000 }), 2);
  t.equal(await outcome({ bytes: 599_999 }), 'LIMIT_EXCEEDED', 'holes count');
  t.equal(await outcome({}, 1), 'LIMIT_EXCEEDED', 'how many they are');
  t.equal(await outcome({ pathLength: 0 }), 'LIMIT_EXCEEDED', 'how long their names are');
  t.equal(await outcome({ ratio: 2, ratioGrace: 1000 }, 2, zipped), 'LIMIT_EXCEEDED', 'a bomb');
});

t.test('zstd layers: frames, skippable frames, damage, bombs', async (t) => {
  const stage = freshStage();
  const mediaType = 'application/vnd.oci.image.layer.v1.tar+zstd';
  const third = Math.floor(lower.length / 3);
  const skippable = Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const frames = [lower.subarray(0, third), Buffer.alloc(0), lower.subarray(third)].map((part) =>
    compressed('zstd', part),
  );
  const blobs = {
    'one frame': compressed('zstd', lower),
    'several frames': Buffer.concat(frames),
    'skippable frames, as zstd:chunked has them': Buffer.concat([skippable, ...frames, skippable, skippable]),
  };
  const trees = [];
  for (const [name, blob] of Object.entries(blobs)) {
    const { layers } = await provideImage(
      freshStage().roots,
      stage.image({ layers: [{ tar: lower, blob, mediaType }] }),
    );
    trees.push([name, treeOf(layers[0] ?? '', { times: false })] as const);
  }
  const { layers } = await provideImage(freshStage().roots, stage.image({ layers: [{ tar: lower }] }));
  for (const [name, tree] of trees) t.strictSame(tree, treeOf(layers[0] ?? '', { times: false }), name);
  const docker = {
    tar: lower,
    blob: blobs['one frame'],
    mediaType: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  };
  await provideImage(freshStage().roots, stage.image({ layers: [docker] }));

  const bomb = await layerTar([{ name: 'zeros', content: Buffer.alloc(80 << 20) }]);
  const cases: [string, Buffer, Buffer, Parameters<typeof stage.refuses>[3], RegExp][] = [
    ['cut short', lower, blobs['one frame'].subarray(0, -3), 'IMAGE_INVALID', /end too early/],
    [
      'cut in its first frame',
      lower,
      blobs['several frames'].subarray(0, 9),
      'IMAGE_INVALID',
      /end too early/,
    ],
    ['nothing', lower, Buffer.alloc(0), 'IMAGE_INVALID', /end too early/],
    [
      'something behind it',
      lower,
      Buffer.concat([blobs['one frame'], Buffer.alloc(8, 'z')]),
      'IMAGE_INVALID',
      /zstd data/,
    ],
    ['a bomb', bomb, compressed('zstd', bomb), 'IMAGE_HOSTILE', /bomb/],
  ];
  for (const [name, tar, blob, code, why] of cases) {
    await stage.refuses(t, name, stage.image({ layers: [{ tar, blob, mediaType }] }), code, why);
  }
  const padded = Buffer.concat([compressed('gzip', lower), Buffer.alloc(1000)]);
  await provideImage(freshStage().roots, stage.image({ layers: [{ tar: lower, blob: padded }] }));
  const spoiled = Buffer.concat([padded, Buffer.from('x')]);
  await stage.refuses(
    t,
    'behind the padding',
    stage.image({ layers: [{ tar: lower, blob: spoiled }] }),
    'IMAGE_INVALID',
    /not gzip/,
  );
});

t.test('killed in the middle of an archive: the next load leaves nothing of it', async (t) => {
  const { roots } = freshStage();
  const [file = '', ...rest] = berthCommand;
  const archive = archiveOf(
    folder,
    path.join(folder, 'killed.tar'),
    savedContent([{ tags: ['a:1'], layers: [plain(lower)] }]),
  );
  const bytes = readFileSync(archive);
  for (const verb of [
    ['load', '-i', '-', 'half'],
    ['import', '-', 'half'],
  ]) {
    const args = [...rest, 'image', ...verb, '--root', roots.root];
    const child = spawn(file, args, { stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = once(child, 'exit');
    // It waits for what never comes.
    child.stdin.write(bytes.subarray(0, bytes.length - 30_000));
    const sessions = path.join(roots.root, 'images/sessions');
    const midway = () =>
      existsSync(sessions) &&
      readdirSync(sessions, { recursive: true }).some((name) => /\/(?:archive\/0|layer)$/.test(String(name)));
    while (!midway() && child.exitCode === null) await sleep(10);
    child.kill('SIGKILL');
    await ended;
    t.ok(readdirSync(sessions).length > 0, `${verb[0]}: it was caught in the middle`);
    await loadImages(roots, archive);
    t.strictSame(readdirSync(sessions), []);
    t.strictSame(
      listImages(roots).map(({ name }) => name),
      ['a:1'],
    );
    t.equal(readdirSync(path.join(roots.root, 'images/layers')).length, 1);
  }
});

t.test('no space for an archive: one line, and nothing stays', async (t) => {
  const noise = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * i) % 253));
  const big = await layerTar([{ name: 'big', content: noise }]);
  const archive = archiveOf(
    folder,
    path.join(folder, 'big.tar'),
    savedContent([{ tags: ['big:1'], layers: [plain(big)] }]),
  );
  const script = `
    mount -t tmpfs -o size=2m tmpfs "$1" || exit 99
    shift
    "$@" 2>&1; echo "status $?"
    find "$BERTH_ROOT" -type f ! -path '*/locks/*'`;
  const small = path.join(folder, 'small');
  mkdirSync(small);
  const environment = { ...process.env, BERTH_ROOT: path.join(small, 'root') };
  for (const verb of [
    ['load', '-i', archive],
    ['import', archive, 'x'],
    ['load', `docker-archive:${archive}`],
  ]) {
    const command = ['-m', 'sh', '-c', script, 'sh', small, ...berthCommand, 'image', ...verb];
    const output = execFileSync('unshare', command, { encoding: 'utf8', env: environment })
      .trim()
      .split('\n');
    t.match(output.join(' '), /no space is left on the disk.*status 125$/, verb.join(' '));
  }
});
