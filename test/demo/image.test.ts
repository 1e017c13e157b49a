import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { ImageContent } from '../../images/layout/layout.js';
import { writeLayout } from '../../images/layout/layout.js';
import { programPath, sharedLibraries } from '../../images/node/content.js';
import { makeNodeImage } from '../../images/node/image.js';
import { until } from '../fixtures/until.js';

const folder = mkdtempSync(path.join(tmpdir(), 'berth-image-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const small: ImageContent = {
  tag: 'latest',
  layers: [
    [
      { path: 'a/deep/file', mode: 0o640, owner: 7, kind: 'text', text: 'content\n' },
      { path: 'a/copy', mode: 0o755, kind: 'copy', from: '/proc/self/exe' },
      { path: 'link', mode: 0o777, kind: 'symlink', target: 'a/deep/file' },
    ],
  ],
  config: { Cmd: ['/a/copy'] },
};

t.test('the same content gives the same bytes, whenever it is written', async (t) => {
  const [one, two] = [path.join(folder, 'one'), path.join(folder, 'two')];
  await writeLayout(one, small);
  const shuffled = { ...small, layers: [[...(small.layers[0] ?? [])].reverse()] };
  await writeLayout(two, shuffled);
  const index = (directory: string) => readFileSync(path.join(directory, 'index.json'), 'utf8');
  t.equal(index(one), index(two));
});

const skip =
  process.geteuid?.() !== 0
    ? 'umoci gives files their owners, which needs root'
    : spawnSync('umoci', ['--version']).error !== undefined && 'umoci is not installed';

t.test('another implementation reads it', { skip }, async (t) => {
  const [layout, out] = [path.join(folder, 'one'), path.join(folder, 'unpacked')];
  const { status, stderr } = spawnSync('umoci', ['unpack', '--image', `${layout}:latest`, out], {
    encoding: 'utf8',
  });
  t.equal(status, 0, stderr);
  const file = statSync(path.join(out, 'rootfs/a/deep/file'));
  t.match(
    { mode: file.mode & 0o7777, uid: file.uid, mtimeMs: file.mtimeMs },
    { mode: 0o640, uid: 7, mtimeMs: 0 },
  );
  t.equal(statSync(path.join(out, 'rootfs/a/deep')).mode & 0o7777, 0o755, 'folders nobody named are added');
  t.equal(readFileSync(path.join(out, 'rootfs/link'), 'utf8'), 'content\n');
  t.equal(statSync(path.join(out, 'rootfs/a/copy')).size, statSync(programPath).size);
});

t.test('a write that fails is told, and does not hang', async (t) => {
  const missing: ImageContent = {
    ...small,
    layers: [[{ path: 'x', mode: 0o644, kind: 'copy', from: path.join(folder, 'none') }]],
  };
  await t.rejects(writeLayout(path.join(folder, 'missing'), missing), { code: 'ENOENT' });
  const interrupt = new AbortController();
  const late = makeNodeImage(path.join(folder, 'aborted'), interrupt.signal);
  const begun = () => readdirSync(folder).some((name) => name.startsWith('aborted'));
  const aborted = t.rejects(late, { name: 'AbortError' });
  await until(begun);
  interrupt.abort();
  await aborted;
  t.notOk(begun(), 'and leaves nothing behind');
});

t.test('the image of this Node', async (t) => {
  const layout = path.join(folder, 'node');
  t.match(sharedLibraries(), [/^\//], 'its libraries, by their paths');
  t.ok(
    sharedLibraries().some((file) => /\/ld[-.]/.test(file)),
    'and the loader',
  );
  t.equal(await makeNodeImage(layout), true, 'made');
  const made = statSync(layout).ino;
  t.equal(await makeNodeImage(layout), false, 'kept while nothing has changed');
  t.equal(statSync(layout).ino, made);

  writeFileSync(path.join(layout, 'made-from'), 'another Node');
  mkdirSync(path.join(layout, 'stale'));
  await t.rejects(makeNodeImage(layout, AbortSignal.abort()), { name: 'AbortError' });
  t.equal(statSync(layout).ino, made, 'an interrupted one leaves the old');
  t.equal(await makeNodeImage(layout), true, 'made anew when it was another');
  t.throws(() => statSync(path.join(layout, 'stale')), { code: 'ENOENT' });
});
