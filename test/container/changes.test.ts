import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import { containerChanges } from '../../src/containerizer/container/changes.js';
import { type CommitOptions, commitContainer } from '../../src/containerizer/container/commit.js';
import { exportContainer } from '../../src/containerizer/container/export.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { imageHistory } from '../../src/containerizer/image/history.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { treeOf } from '../image/tree.js';
import { Stage, unlessRoot } from './stage.js';

const commitOptions: CommitOptions = {
  name: 'made:1',
  changes: [],
  author: undefined,
  message: undefined,
  pause: false,
  compression: 'gzip',
  onProgress: () => {},
};

/** Files in every state that a container can bring them into. */
const deeds = `
  set -e
  cd /work
  rm gone; echo new >added; chown 33:34 added; chmod 4751 added; ln added linked
  rm -r replaced; mkdir replaced; echo x >replaced/fresh
  rm kind; mkdir kind; echo x >kind/file
  rm -r folder; ln -s /etc/passwd folder
  chmod 700 kept; mkfifo fifo; truncate -s 100G huge; echo end >>huge
  touch -d '1960-01-02 03:04:05' old; echo changed >>changed
`;

t.test('what a container has changed: told, exported, and made an image of', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const image = await stage.makeImage([
    { name: 'work/', mode: 0o755 },
    ...['gone', 'kind', 'changed', 'same'].map((name) => ({ name: `work/${name}`, content: name })),
    { name: 'work/replaced/old', content: 'hidden' },
    { name: 'work/folder/inside', content: 'x' },
    { name: 'work/kept/' },
  ]);
  const volume = path.join(stage.folder, 'volume');
  mkdirSync(volume);
  const container = await stage.start(
    [
      'sh',
      '-c',
      `${deeds} >/work/error 2>&1; test -s /work/error || rm /work/error; touch /tmp/ready; exec sleep 1000`,
    ],
    {
      remove: false,
      volumes: [{ source: volume, target: '/mnt', readonly: false, recursive: false, idmap: true }],
    },
    image,
  );
  const found = () => findContainer(roots, container.id);
  const told = async () =>
    (await containerChanges(roots, found())).map(({ kind, path: at }) => `${kind} ${at}`);
  while (!(await told()).includes('A /tmp/ready')) await new Promise((resolve) => setTimeout(resolve, 50));
  const changes = await told();
  t.strictSame(changes, [
    'C /tmp',
    'A /tmp/ready',
    'C /work',
    'A /work/added',
    'C /work/changed',
    'A /work/fifo',
    'C /work/folder',
    'D /work/gone',
    'A /work/huge',
    'C /work/kept',
    'C /work/kind',
    'A /work/kind/file',
    'A /work/linked',
    'A /work/old',
    'C /work/replaced',
    'A /work/replaced/fresh',
    'D /work/replaced/old',
  ]);

  const tree = (file: string) => {
    const target = path.join(stage.folder, path.basename(file, '.tar'));
    mkdirSync(target);
    execFileSync('tar', ['-C', target, '--xattrs', '--xattrs-include=*', '--numeric-owner', '-xpf', file]);
    // 100 GB of nothing need not be hashed.
    const skip = (name: string) => name === '/work/huge';
    const huge = statSync(path.join(target, 'work/huge'));
    return { lines: treeOf(target, { skip }), huge: `${huge.size} ${huge.blocks}` };
  };
  const running = path.join(stage.folder, 'running.tar');
  await exportContainer(roots, found(), running);
  const exported = tree(running);
  t.match(exported.huge, /^107374182404 (?:[0-9]|[1-9][0-9])$/, 'holes stay holes');
  const lines = exported.lines.filter((line) => line.startsWith('/work')).join('\n');
  t.match(lines, /^\/work\/added 104751 33:34 4 .* links 2/m, 'owners as inside');
  t.match(lines, /^\/work\/linked .* same as \/work\/added/m);
  t.match(lines, /^\/work\/folder 120777 0:0 -> \/etc\/passwd/m);
  t.match(lines, /^\/work\/old .* -315521755000$/m);
  t.match(lines, /^\/work\/same /m);
  t.notMatch(lines, /work\/gone|replaced\/old/);

  const committed = await commitContainer(roots, found(), {
    ...commitOptions,
    pause: true,
    author: 'me',
    message: 'why',
    changes: ['CMD ["cat","/work/added"]', 'ENV A=b'],
    compression: 'zstd',
  });
  t.equal(found().paused, false, 'it goes on');
  t.match(imageHistory(roots, 'made:1')[0], { author: 'me', comment: 'why', createdBy: /^sh -c/ });
  const made = await provideImage(roots, 'made:1');
  t.equal(made.manifestDigest, committed.manifestDigest);
  t.equal(made.layers.length, image.layers.length + 1);
  t.equal((await stage.run([], {}, made)).stdout, 'new\n');

  container.signal(9);
  await container.ended;
  await container.gone;
  t.strictSame(await told(), changes, 'the same after its end');
  const stopped = path.join(stage.folder, 'stopped.tar');
  await exportContainer(roots, found(), stopped);
  t.ok(readFileSync(stopped).equals(readFileSync(running)), 'the same bytes');
  const again = await stage.start(['sleep', '1000'], { remove: false }, made);
  const remade = path.join(stage.folder, 'remade.tar');
  await exportContainer(roots, findContainer(roots, again.id), remade);
  t.strictSame(
    tree(remade).lines.filter((line) => !/^\/(mnt)? /.test(line)),
    exported.lines.filter((line) => !/^\/(mnt)? /.test(line)),
    'a container of the new image has the same files',
  );
  for (const id of [container.id, again.id])
    await removeContainer(roots, findContainer(roots, id), { force: true });
});

t.test('a container that swaps its folders for links while it is read', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const secret = path.join(stage.folder, 'secret');
  mkdirSync(path.join(secret, 'deep'), { recursive: true });
  writeFileSync(path.join(secret, 'deep/file'), 'the canary sings');
  const container = await stage.start([
    'sh',
    '-c',
    `mkdir -p /a/deep /b; echo mine >/a/deep/file; ln -s ${secret} /b/link; ln -s ${secret}/deep/file /b/file
     while :; do mv /a /c; mv /b/link /a; mv /a /b/link; mv /c /a; mv /a/deep /a/x; ln -s ${secret}/deep /a/deep; rm /a/deep; mv /a/x /a/deep; done`,
  ]);
  const found = findContainer(roots, container.id);
  const file = path.join(stage.folder, 'swapped.tar');
  for (let i = 0; i < 15; ++i) {
    await exportContainer(roots, found, file);
    t.notOk(readFileSync(file).includes('the canary sings'));
    await containerChanges(roots, found);
  }
  await commitContainer(roots, found, { ...commitOptions, name: 'swapped', compression: 'none' });
  for (const layer of (await provideImage(roots, 'swapped')).layers) {
    t.notMatch(treeOf(layer).join('\n'), /the canary/);
  }
  container.signal(9);
  await container.ended;
  await container.gone;
});

t.test('what cannot be an image is refused, and leaves nothing', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const container = await stage.start(['sh', '-c', 'touch /tmp/.wh.trick; exec sleep 1000']);
  const found = findContainer(roots, container.id);
  const marked = async () =>
    (await containerChanges(roots, found)).some((change) => change.path === '/tmp/.wh.trick');
  while (!(await marked())) await new Promise((resolve) => setTimeout(resolve, 50));
  await t.rejects(commitContainer(roots, found, commitOptions), {
    code: 'IMAGE_INVALID',
    message: /'tmp\/\.wh\.trick': a name that begins with \.wh\./,
  });
  await t.rejects(commitContainer(roots, found, { ...commitOptions, changes: ['RUN x'] }), { code: 'USAGE' });
  await t.rejects(provideImage(roots, 'made:1'), { code: 'IMAGE_NOT_FOUND' });
  await t.rejects(exportContainer(roots, found, '/nonexistent/x.tar'));
  t.match(stage.berth('diff', 'nope'), { status: 125, stderr: /no container/ });
  t.match(stage.berth('diff', container.id), { status: 0, stdout: /^A \/tmp\/\.wh\.trick$/m });
  t.match(stage.berth('commit', container.id, 'made:1'), { status: 125, stderr: /\.wh\./ });
  const folder = path.join(stage.folder, 'a-folder');
  mkdirSync(folder);
  const listed = readdirSync(stage.folder);
  t.match(stage.berth('export', '-o', folder, container.id), {
    status: 125,
    stderr: /a-folder: it is a folder\n/,
  });
  t.strictSame(readdirSync(stage.folder), listed, 'no half archive stays beside it');
  const archive = stage.berth('export', '-o', path.join(stage.folder, 'x.tar'), container.id, '--json');
  t.match(JSON.parse(archive.stdout), { entries: Number, warnings: [] });
  container.signal(9);
  await container.ended;
  await container.gone;
});
