import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { importTree } from '../../src/containerizer/image/import-tree.js';
import { inspectImage, listImages } from '../../src/containerizer/image/list.js';
import { loadImage, loadImages } from '../../src/containerizer/image/load.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { removeImage } from '../../src/containerizer/image/remove.js';
import { saveImages } from '../../src/containerizer/image/save.js';
import { tagImage } from '../../src/containerizer/image/tag.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import { FileLock } from '../../src/state/lock.js';
import { berth } from '../cli/berth.js';
import { compressed } from '../fixtures/archive-writer.js';
import { busybox, busyboxEntries } from '../fixtures/busybox-image.js';
import { layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { treeOf } from './tree.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

// Not below the checkout: podman and buildah keep links to the folders they are told.
const folder = mkdtempSync('/var/tmp/berth-exchange-');
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const place = (name: string) => path.join(folder, name);
const roots = { root: place('root'), state: place('state') };
const run = (...args: string[]) => berth([...args, '--root', roots.root, '--state', roots.state]);
const json = (...args: string[]) => JSON.parse(run(...args, '--json').stdout) as Record<string, unknown>;
const tool = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const stored = ['--storage-driver=vfs', '--root', place('storage'), '--runroot', place('storage-run')];
const podman = (...args: string[]) => tool('podman', ...stored, ...args);
const buildah = (...args: string[]) => tool('buildah', ...stored, ...args);
const load = (from: string, name: string) => loadImage(roots, from, { name });
const skopeo = (...args: string[]) => tool('skopeo', '--insecure-policy', ...args);

const lower = await layerTar([...busyboxEntries(), { name: 'gone', content: 'x' }]);
const upper = await layerTar([
  { name: '.wh.gone' },
  { name: 'etc/issue', content: 'two layers', uid: 7, gid: 8, mode: 0o640 },
  { name: 'link', type: 'link', link: 'etc/issue', uid: 7, gid: 8, mode: 0o640 },
]);
const { reference } = writeImage(place('layout'), {
  layers: [
    { tar: lower },
    { tar: upper, blob: compressed('zstd', upper), mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' },
  ],
  config: { Env: ['PATH=/bin', 'A=b'], Cmd: ['sh'], Labels: { a: 'b' } },
});
const { reference: gzipped } = writeImage(place('gzipped'), {
  layers: [{ tar: lower }, { tar: upper }],
  config: { Cmd: ['sh'] },
});

t.test('names and ids', async (t) => {
  await load(reference, 'web:1');
  await tagImage(roots, 'docker.io/library/web:1', 'localhost:5000/team/web');
  const images = listImages(roots);
  t.strictSame(
    images.map(({ name }) => name),
    ['localhost:5000/team/web:latest', 'web:1'],
  );
  const [{ manifestDigest = '', configDigest = '' } = {}] = images;
  const id = manifestDigest.slice(7, 19);
  t.match(json('image', 'inspect', id), {
    digest: manifestDigest,
    names: ['localhost:5000/team/web:latest', 'web:1'],
    os: 'linux',
    id: configDigest,
  });
  t.equal(inspectImage(roots, configDigest.slice(0, 24)).manifestDigest, manifestDigest);
  t.equal(run('image', 'ls', '-q').stdout, `${id}\n`, 'one image, one id');
  t.equal((await provideImage(roots, id)).manifestDigest, manifestDigest, 'an id runs');
  t.throws(() => inspectImage(roots, 'ffff'), { code: 'IMAGE_NOT_FOUND' });
  await t.rejects(tagImage(roots, 'nope', 'x'), { code: 'IMAGE_NOT_FOUND' });
  await t.rejects(tagImage(roots, 'web:1', `x@${manifestDigest}`), { code: 'REFERENCE_INVALID' });

  const unused = () => undefined;
  await t.rejects(removeImage(roots, id, unused), { code: 'IMAGE_IN_USE', message: /has 2 names/ });
  await tagImage(roots, 'web:1', 'third');
  t.match(run('image', 'rm', 'web:1', 'nope', 'third'), { status: 125, stdout: 'web:1\nthird:latest\n' });
  t.match(await removeImage(roots, id, unused), {
    name: 'localhost:5000/team/web:latest',
    contentRemoved: true,
  });
  t.strictSame(readdirSync(path.join(roots.root, 'images/layers')), []);
});

t.test('what is saved is the same every time, and comes back the same', async (t) => {
  await load(reference, 'web:1');
  await load(gzipped, 'gz:2');
  const whole = place('whole');
  await unpackImage(roots, 'web:1', whole);
  for (const format of ['docker-archive', 'oci-archive'] as const) {
    const files = ['a', 'b'].map((name) => place(`${format}-${name}.tar`));
    for (const file of files) await saveImages(roots, ['web:1', 'gz:2'], format, file);
    t.ok(readFileSync(files[0] ?? '').equals(readFileSync(files[1] ?? '')), `${format}: byte for byte`);
    const other = { root: place(`${format}-root`), state: place('state') };
    const images = await loadImages(other, files[0] ?? '');
    t.strictSame(
      images.map(({ name }) => name),
      ['web:1', 'gz:2'],
    );
    if (format === 'oci-archive')
      t.equal(images[0]?.manifestDigest, inspectImage(roots, 'web:1').manifestDigest);
    await unpackImage(other, 'web:1', place(`${format}-tree`));
    t.strictSame(treeOf(place(`${format}-tree`)), treeOf(whole));
  }
  await saveImages(roots, ['web:1'], 'oci-dir', place('saved-layout'));
  await unpackImage(roots, `oci:${place('saved-layout')}:1`, place('layout-tree'));
  t.strictSame(treeOf(place('layout-tree')), treeOf(whole));
  await t.rejects(saveImages(roots, ['web:1'], 'oci-dir', place('saved-layout')), {
    message: /exists already/,
  });
  await t.rejects(saveImages(roots, ['web:1'], 'oci-archive', place('no/such/folder')), {
    code: 'USAGE',
  });
  t.match(run('image', 'save', '-o', place('nope.tar'), 'nope'), { status: 125, stderr: /not in the store/ });
  t.notOk(existsSync(place('nope.tar')));
});

t.test('skopeo, umoci, podman and buildah read what berth writes', async (t) => {
  const whole = place('gz-tree');
  await unpackImage(roots, 'gz:2', whole);
  // What these tools may not keep: the times of folders that no layer describes, and all of the root.
  const plain = (tree: string) => treeOf(tree, { times: false }).slice(1);
  const docker = place('one-docker.tar');
  const oci = place('one-oci.tar');
  t.match(run('image', 'save', '-o', docker, 'gz:2'), { status: 0, stderr: '' });
  await saveImages(roots, ['gz:2'], 'oci-archive', oci);
  await saveImages(roots, ['gz:2'], 'oci-dir', place('one-layout'));
  const { config } = inspectImage(roots, 'gz:2');
  for (const source of [
    `oci-archive:${oci}:2`,
    `docker-archive:${docker}:gz:2`,
    `oci:${place('one-layout')}:2`,
  ]) {
    const seen = JSON.parse(skopeo('inspect', '--config', source)) as { rootfs: { diff_ids: string[] } };
    t.strictSame(seen.rootfs.diff_ids, config.rootfs.diff_ids, source);
    // It reads every byte and checks every digest.
    skopeo('copy', '-q', source, `dir:${mkdtempSync(place('copy-'))}`);
  }
  tool('umoci', 'raw', 'unpack', '--image', `${place('one-layout')}:2`, place('umoci-tree'));
  t.strictSame(plain(place('umoci-tree')), plain(whole));

  t.match(podman('load', '-q', '-i', docker), /localhost\/gz:2/);
  t.match(podman('load', '-q', '-i', oci), /gz:2/);
  const container = buildah('from', '--pull-never', 'localhost/gz:2');
  t.strictSame(plain(buildah('mount', container)), plain(whole), 'buildah sees the same tree');
  buildah('umount', container);
  buildah('rm', container);
});

t.test('berth reads what buildah and podman write', async (t) => {
  const container = buildah('from', 'scratch');
  const tree = buildah('mount', container);
  mkdirSync(path.join(tree, 'bin'));
  execFileSync('cp', [busybox, path.join(tree, 'bin/sh')]);
  mkdirSync(path.join(tree, 'data'), { mode: 0o750 });
  writeFileSync(path.join(tree, 'data/file'), 'content');
  execFileSync('setcap', ['cap_net_raw+ep', path.join(tree, 'bin/sh')]);
  const expected = treeOf(tree, { times: false }).slice(1);
  buildah('umount', container);
  buildah(
    'config',
    '--workingdir',
    '/data',
    '--user',
    '3:4',
    '--env',
    'A=b c',
    '--label',
    'x=y',
    '--volume',
    '/v',
    '--stop-signal',
    'USR1',
    container,
  );
  buildah('config', '--entrypoint', '["/bin/sh"]', container);
  buildah('commit', '-q', container, 'made:1');
  for (const target of ['oci-archive', 'docker-archive']) {
    const file = place(`podman-${target}.tar`);
    podman('save', '-q', '--format', target, '-o', file, 'localhost/made:1');
    t.match(run('image', 'load', '-i', file), { status: 0, stdout: /^localhost\/made:1@sha256:/ }, target);
    const image = await provideImage(roots, 'localhost/made:1');
    t.strictSame(treeOf(image.layers[0] ?? '', { times: false }).slice(1), expected, target);
    t.match(image.config.config, {
      User: '3:4',
      WorkingDir: '/data',
      Entrypoint: ['/bin/sh'],
      StopSignal: /USR1/,
      Volumes: { '/v': {} },
      Labels: { x: 'y' },
    });
    t.ok(image.config.config?.Env?.includes('A=b c'));
  }
  buildah('rm', container);
});

t.test('import and history', async (t) => {
  const file = place('rootfs.tar');
  writeFileSync(file, lower);
  const changes = [
    'CMD ["sh","-c","echo hi"]',
    'ENV A=1 B="two words"',
    'LABEL l v',
    'EXPOSE 80',
    'USER 33',
    'WORKDIR /tmp',
    'VOLUME ["/v"]',
    'STOPSIGNAL INT',
    'ENTRYPOINT env',
  ];
  const flags = changes.flatMap((change) => ['--change', change]);
  t.match(run('image', 'import', file, 'imported', '-m', 'by hand', ...flags), {
    status: 0,
    stdout: /^imported:latest@sha256/,
  });
  t.match(json('image', 'inspect', 'imported'), {
    diff_ids: [/^sha256:/],
    config: {
      config: {
        Cmd: ['sh', '-c', 'echo hi'],
        Entrypoint: ['/bin/sh', '-c', 'env'],
        Env: ['A=1', 'B=two words'],
        Labels: { l: 'v' },
        ExposedPorts: { '80/tcp': {} },
        User: '33',
        WorkingDir: '/tmp',
        Volumes: { '/v': {} },
        StopSignal: 'INT',
      },
    },
  });
  t.match(json('image', 'history', 'imported'), {
    history: [{ comment: 'by hand', diff_id: /^sha256:/, size: Number }],
  });
  const history = (...args: string[]) => run('image', 'history', 'imported', ...args).stdout;
  t.equal(history('--format', 'json'), history('--json'));
  t.equal(history('--format', '{{.ID}}', '--no-trunc'), history('-q'), 'ids in full');
  t.match(history('--format', 'table {{.ID}}\t{{.Comment}}'), /^ID +COMMENT\n[0-9a-f]{12} +by hand\n$/);
  t.match(run('image', 'history', 'web:1').stdout, /^LAYER.*\n[0-9a-f]{12} .*\n[0-9a-f]{12} /);
  const ids = (name: string) => inspectImage(roots, name).config.rootfs.diff_ids;
  const options = { changes: [], message: undefined, onProgress: () => {} };
  for (const program of ['gzip', 'zstd', 'xz', 'bzip2'] as const) {
    writeFileSync(`${file}.${program}`, compressed(program, lower));
    await importTree(roots, `${file}.${program}`, { ...options, name: program });
    t.strictSame(ids(program), ids('imported'), program);
  }
  const refused: [string, string[], RegExp][] = [
    [place('layout/index.json'), [], /inside a header|checksum/],
    [place('none'), [], /no such file/],
    [file, ['RUN x'], /none of CMD/],
    [file, ['ENV A'], /sets nothing/],
    [file, ['EXPOSE x'], /not a port/],
  ];
  for (const [from, instructions, message] of refused) {
    await t.rejects(importTree(roots, from, { ...options, changes: instructions, name: 'bad' }), { message });
  }
  t.notMatch(
    listImages(roots)
      .map(({ name }) => name)
      .join(' '),
    /bad/,
  );
});

t.test('an output takes the place of a file alone, and half of one stays nowhere', async (t) => {
  await load(gzipped, 'gz:2');
  const out = place('outputs');
  mkdirSync(out);
  const at = (name: string) => path.join(out, name);
  await saveImages(roots, ['gz:2'], 'oci-archive', at('expected'));
  const expected = readFileSync(at('expected'));
  execFileSync('mkfifo', [at('fifo')]);
  const reader = spawn('cat', [at('fifo')], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [read] = await Promise.all([
    reader.stdout.toArray() as Promise<Buffer[]>,
    saveImages(roots, ['gz:2'], 'oci-archive', at('fifo')),
  ]);
  t.ok(Buffer.concat(read).equals(expected), 'a fifo, or a device, is written to');
  t.ok(statSync(at('fifo')).isFIFO(), 'and stays what it is');
  writeFileSync(at('behind'), '');
  symlinkSync('behind', at('link'));
  // What makers left that were killed, of a file and of a folder, and what one is at just now.
  const lock = await FileLock.take(at('.behind.berth-4712'));
  for (const name of ['.behind.berth-4711', '.layout.berth-4711']) writeFileSync(at(name), 'half');
  mkdirSync(at('.layout.berth-4711.folder/blobs'), { recursive: true });
  await saveImages(roots, ['gz:2'], 'oci-archive', at('link'));
  t.ok(readFileSync(at('behind')).equals(expected), 'a link is followed');
  await saveImages(roots, ['gz:2'], 'oci-dir', at('layout'));
  lock.release();
  const left = ['.behind.berth-4712', 'behind', 'expected', 'fifo', 'layout', 'link'];
  t.strictSame(readdirSync(out).sort(), left);

  // The folder takes longer to remove than the file.
  const script = `import { mkdirSync, writeFileSync } from 'node:fs';
    import { makeOutputFile, makeOutputFolder } from ${JSON.stringify(new URL('../../src/state/output-file.js', import.meta.url).href)};
    const forever = () => new Promise(() => setInterval(() => {}, 1000));
    void makeOutputFile(${JSON.stringify(at('ended'))}, forever);
    await makeOutputFolder(${JSON.stringify(at('ended-too'))}, async (making) => {
      mkdirSync(making);
      for (let i = 0; i < 1000; i++) writeFileSync(making + '/' + i, '');
      process.stdout.write('made');
      return forever();
    });`;
  const maker = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(maker, 'exit');
  await once(maker.stdout, 'data');
  maker.kill('SIGTERM');
  t.strictSame(await gone, [null, 'SIGTERM']);
  t.strictSame(readdirSync(out).sort(), left, 'who ends the command leaves nothing either');
});

t.test('what goes wrong is told in words that help', async (t) => {
  await load(gzipped, 'gz:2');
  const docker = place('told.tar');
  await saveImages(roots, ['gz:2'], 'docker-archive', docker);
  const cut = place('cut.tar');
  writeFileSync(cut, readFileSync(docker).subarray(0, 300_000));
  const rootfs = place('told-rootfs.tar');
  writeFileSync(rootfs, lower);
  const none = place('empty');
  writeFileSync(none, '');
  const cases: [string[], RegExp][] = [
    [['load', docker], /it is a file, .*\nUse berth image load -i /],
    [['load', place('gzipped')], /it is a folder, .*\nIf it is an OCI layout: berth image load oci:/],
    [['load', '-i', cut], /the archive ends inside an entry/],
    [['load', '-i', rootfs], /no archive of images.*\nIf it is a root file system: berth image import/],
    [['load', '-i', none], /empty: it is empty/],
    [['load', `oci-archive:${docker}`], /no OCI archive.*\nIt is one of docker save: docker-archive:/],
    [['load', `docker-archive:${rootfs}`], /no archive of images/],
    [['pull', 'docker://busybox'], /named without docker:\/\/\nLeave it out/],
    [['save', '--format', 'oci-dir', '-o', place('no/such/folder'), 'gz:2'], /there is no folder for/],
    [['rm', 'none-1', 'none-2'], /image none-1: .*\n.*\nberth: image none-2: /],
    [['list'], /no such verb\nDid you mean berth image ls\?/],
  ];
  for (const [args, stderr] of cases) t.match(run('image', ...args), { status: 125, stderr }, args.join(' '));
  t.match(run('rmi', 'x'), { status: 125, stderr: /Did you mean berth image rm\?/ });
  const piped = berth(
    ['image', 'load', '--root', roots.root, '--state', roots.state],
    {},
    readFileSync(docker),
  );
  t.match(piped, { status: 0, stdout: /^gz:2@sha256:/ }, 'an archive may be piped in');
  t.match(run('image', 'load'), { status: 125, stderr: /the archive on standard input: it is empty\n$/ });

  const full = openSync('/dev/full', 'w');
  t.teardown(() => closeSync(full));
  await t.rejects(saveImages(roots, ['gz:2'], 'oci-archive', full), {
    code: 'NO_SPACE',
    mend: /Free space where standard output goes/,
  });

  // A blob that is no longer what its name says goes into no archive.
  const [{ digest = '' } = {}] = inspectImage(roots, 'gz:2').manifest.layers;
  const blob = path.join(roots.root, 'images/blobs/sha256', digest.slice(7));
  const content = readFileSync(blob);
  for (const format of ['oci-archive', 'docker-archive'] as const) {
    writeFileSync(blob, Buffer.concat([content.subarray(1), content.subarray(0, 1)]));
    await t.rejects(saveImages(roots, ['gz:2'], format, place('damaged.tar')), { code: 'IMAGE_CORRUPT' });
    t.notOk(
      existsSync(blob),
      'one that stayed would be taken for what it should be when the image is loaded again',
    );
  }
  await t.rejects(saveImages(roots, ['gz:2'], 'oci-archive', place('damaged.tar')), {
    code: 'STATE_DAMAGED',
    message: /the store lacks sha256:/,
  });
  t.notOk(existsSync(place('damaged.tar')));
  const { config } = inspectImage(roots, 'gz:2').manifest;
  const document = path.join(roots.root, 'images/blobs/sha256', config.digest.slice(7));
  writeFileSync(document, Buffer.alloc(config.size));
  await loadImages(roots, docker);
  t.ok(readFileSync(blob).equals(content), 'it comes again');
  t.equal(inspectImage(roots, 'gz:2').manifest.config.digest, config.digest, 'so does a document');
});
