import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import { containerChanges } from '../../src/containerizer/container/changes.js';
import { commitContainer } from '../../src/containerizer/container/commit.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { loadImage } from '../../src/containerizer/image/load.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { saveImages } from '../../src/containerizer/image/save.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import { busybox } from '../fixtures/busybox-image.js';
import { treeOf } from '../image/tree.js';
import { Stage, unlessRoot } from './stage.js';

/** podman as it runs here: in a mount namespace in which a hybrid host looks like one with v1 alone, where its crun would refuse. */
const podmanScript = `
  if mountpoint -q /sys/fs/cgroup/unified; then
    umount /sys/fs/cgroup/unified && mount -t tmpfs -o ro,size=4k empty /sys/fs/cgroup/unified || exit 99
  fi
  exec "$@"`;

t.test('an image of buildah runs as it does under podman', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const storage = [
    '--storage-driver=vfs',
    '--root',
    path.join(stage.folder, 'storage'),
    '--runroot',
    path.join(stage.folder, 'run'),
  ];
  const buildah = (...args: string[]) =>
    execFileSync('buildah', [...storage, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const container = buildah('from', 'scratch');
  const tree = buildah('mount', container);
  for (const folder of ['bin', 'etc', 'srv/data']) mkdirSync(path.join(tree, folder), { recursive: true });
  execFileSync('cp', [busybox, path.join(tree, 'bin/busybox')]);
  for (const applet of ['sh', 'id', 'pwd', 'env']) symlinkSync('busybox', path.join(tree, 'bin', applet));
  writeFileSync(path.join(tree, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n');
  buildah('umount', container);
  const script = 'id -u; id -g; pwd; echo "$0" "$@"; env';
  buildah('config', '--entrypoint', JSON.stringify(['/bin/sh', '-c', script]), container);
  buildah('config', '--cmd', 'one "two words"', '--env', 'FOO=bar baz', '--env', 'PATH=/bin', container);
  buildah(
    'config',
    '--user',
    'web',
    '--workingdir',
    '/srv/data',
    '--volume',
    '/vol',
    '--label',
    'a=b',
    '--stop-signal',
    'USR1',
    container,
  );
  buildah('commit', '-q', '--rm', container, 'box:1');
  const archive = path.join(stage.folder, 'box.tar');
  buildah('push', '-q', 'box:1', `oci-archive:${archive}:box`);

  const limits = [
    '--ulimit',
    'nofile=1024:1024',
    '--ulimit',
    'nproc=1000:1000',
    '--network',
    'none',
    '--cgroups=disabled',
  ];
  const image = await provideImage(stage.roots, `oci-archive:${archive}`);
  for (const args of [[], ['given', 'two words']]) {
    const podman = [
      'podman',
      ...storage,
      '--cgroup-manager=cgroupfs',
      'run',
      '--rm',
      ...limits,
      'localhost/box:1',
      ...args,
    ];
    const theirs = execFileSync(
      'unshare',
      ['-m', '--propagation', 'private', 'sh', '-c', podmanScript, 'sh', ...podman],
      { encoding: 'utf8' },
    );
    const ours = (await stage.run(args, {}, image)).stdout;
    // Each tells the container's own name and its own.
    const told = (text: string) =>
      text
        .split('\n')
        .filter((line) => !/^(?:HOSTNAME|container|TERM)=/.test(line))
        .sort();
    t.strictSame(told(ours), told(theirs), args.join(' '));
    t.match(ours, /^33\n34\n\/srv\/data\n/);
  }
  t.equal(image.config.config?.StopSignal?.replace('SIG', ''), 'USR1');
});

t.test('a folder as an image: run from where it is, and not changed', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const tree = path.join(stage.folder, 'tree');
  await unpackImage(roots, stage.image.name, tree);
  const before = treeOf(tree);
  const image = await provideImage(roots, `dir:${tree}`);
  t.strictSame(image.layers, [], 'nothing is copied');
  for (const userns of ['auto', 'host'] as const) {
    const told = await stage.sh(
      'id -u; echo new >/etc/new; rm /etc/group; stat -c %u /etc/passwd; cat /etc/new',
      { userns },
      image,
    );
    t.equal(told, '0\n0\nnew', userns);
  }
  const container = await stage.start(
    ['sh', '-c', 'echo new >/etc/new; rm /etc/group'],
    { remove: false },
    image,
  );
  await container.ended;
  await container.gone;
  t.strictSame(treeOf(tree), before);
  const found = findContainer(roots, container.id);
  t.strictSame(
    (await containerChanges(roots, found)).map(({ kind, path: at }) => `${kind} ${at}`),
    ['C /etc', 'D /etc/group', 'A /etc/new'],
  );
  const options = { changes: [], author: undefined, message: undefined, pause: false, onProgress: () => {} };
  await commitContainer(roots, found, { ...options, name: 'from-tree', compression: 'gzip' });
  const committed = await provideImage(roots, 'from-tree');
  t.equal(committed.layers.length, 1);
  t.equal(await stage.sh('cat /etc/new; ls /etc', {}, committed), 'new\nnew\npasswd');
  await removeContainer(roots, found, { force: true });

  await loadImage(roots, `dir:${tree}`, { name: 'packed' });
  const saved = path.join(stage.folder, 'saved.tar');
  await saveImages(roots, [`dir:${tree}`], 'oci-archive', saved);
  const [packed, again] = [
    await provideImage(roots, 'packed'),
    await provideImage(roots, `oci-archive:${saved}`),
  ];
  t.equal(packed.manifestDigest, again.manifestDigest, 'the same folder always gives the same image');
  t.strictSame(treeOf(packed.layers[0] ?? ''), before);
  t.notOk(existsSync(path.join(tree, 'dev/null')));
  await t.rejects(provideImage(roots, `dir:${tree}/nothing`), { code: 'IMAGE_NOT_FOUND' });
  await t.rejects(provideImage(roots, 'dir:'), { code: 'REFERENCE_INVALID' });
});
