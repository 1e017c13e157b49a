import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { SandboxFiles } from '../../src/agent/files/sandbox-files.js';
import { SandboxCollector } from '../../src/agent/sandbox/collector.js';
import { giveSandbox, ownerOf } from '../../src/agent/sandbox/owner.js';
import { parseSandboxPath, type SandboxPlace, sandboxFolder } from '../../src/agent/sandbox/place.js';
import { keepLogs, makeSandbox, retireSandbox } from '../../src/agent/sandbox/sandbox.js';
import { places } from '../../src/state/roots.js';

const root0 = process.geteuid?.() === 0 ? {} : { skip: 'root: giving files away' };

/** An installation without an agent, and one sandbox in it. */
function scene(t: Test) {
  const folder = mkdtempSync('/var/tmp/berth-sandbox-');
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const roots = { root: path.join(folder, 'root'), state: path.join(folder, 'state') };
  const root = path.join(roots.root, 'sandboxes');
  const name: SandboxPlace = {
    agentId: 'a-S0',
    frameworkId: 'f',
    executorId: 'web.1',
    containerId: 'c0ffee',
  };
  const sandbox = makeSandbox(root, name);
  giveSandbox(sandbox, { uid: 1000, gid: 1001 });
  const files = new SandboxFiles(roots, root, () => 'a-S0');
  const logs = path.join(places.container(roots, name.containerId), 'logs');
  mkdirSync(logs, { recursive: true });
  const log = (lines: string[], file = 'log') =>
    writeFileSync(path.join(logs, file), lines.map((line) => `${line}\n`).join(''));
  return { folder, roots, root, name, sandbox, files, logs, log };
}

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000000Z`;

t.test("a sandbox is its task's own, in a folder that is root's alone", root0, async (t) => {
  const { root, sandbox, name } = scene(t);
  t.equal(sandbox, `${root}/slaves/a-S0/frameworks/f/executors/web.1/runs/c0ffee`);
  const { uid, gid, mode } = lstatSync(sandbox);
  t.strictSame([uid, gid, mode & 0o7777], [1000, 1001, 0o755]);
  t.equal(
    lstatSync(path.join(root, 'slaves')).mode & 0o077,
    0,
    'nobody else comes near a set-id program in it',
  );
  t.equal(readlinkSync(path.join(sandbox, '../latest')), 'c0ffee');
  makeSandbox(root, { ...name, containerId: 'second' });
  t.equal(readlinkSync(path.join(sandbox, '../latest')), 'second');
  t.throws(() => sandboxFolder(root, { ...name, executorId: '..' }), RangeError);
  t.throws(() => sandboxFolder(root, { ...name, executorId: 'a/b' }), RangeError);
  for (const bad of ['/etc/passwd', `${root}/slaves/a-S0/frameworks/../x/executors/e/runs/c`, `${root}`])
    t.equal(parseSandboxPath(root, 'a-S0', bad), undefined, bad);
  t.match(parseSandboxPath(root, 'a-S0', '/frameworks/f/executors/e/runs/latest/dir/x'), {
    agentId: 'a-S0',
    containerId: 'latest',
    rest: 'dir/x',
  });
});

t.test('users are looked up in the image alone', root0, async (t) => {
  const { folder } = scene(t);
  const [upper, lower] = ['upper', 'lower'].map((name) => path.join(folder, name)) as [string, string];
  mkdirSync(path.join(lower, 'etc'), { recursive: true });
  mkdirSync(path.join(upper, 'etc'), { recursive: true });
  writeFileSync(path.join(lower, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nweb:x:33:34::/:/bin/sh\n');
  writeFileSync(path.join(lower, 'etc/group'), 'staff:x:50:\n');
  t.strictSame(ownerOf('web', [upper, lower]), { uid: 33, gid: 34 });
  t.strictSame(ownerOf('web:staff', [upper, lower]), { uid: 33, gid: 50 });
  t.strictSame(ownerOf('7:8', [upper, lower]), { uid: 7, gid: 8 });
  t.equal(ownerOf('nobody-there', [upper, lower]), undefined);
  writeFileSync(path.join(folder, 'passwd'), 'evil:x:1:1::/:/\n');
  symlinkSync(path.join(folder, 'passwd'), path.join(upper, 'etc/passwd'));
  t.equal(ownerOf('evil', [upper, lower]), undefined, 'a link of the image leads nowhere');
});

t.test('files are listed and read, and nothing else than what is in the sandbox', root0, async (t) => {
  const { folder, sandbox, files } = scene(t);
  writeFileSync(path.join(folder, 'secret'), 'of the host');
  writeFileSync(path.join(sandbox, 'plain'), 'text');
  mkdirSync(path.join(sandbox, 'dir'));
  writeFileSync(path.join(sandbox, 'dir/inner'), 'x'.repeat(100_000));
  symlinkSync('dir/inner', path.join(sandbox, 'inside'));
  symlinkSync(path.join(folder, 'secret'), path.join(sandbox, 'absolute'));
  symlinkSync('../../../../../../../../../../secret', path.join(sandbox, 'upward'));
  symlinkSync(folder, path.join(sandbox, 'outside'));
  symlinkSync('/proc/self/root', path.join(sandbox, 'magic'));
  execFileSync('mkfifo', [path.join(sandbox, 'fifo')]);
  execFileSync('mknod', [path.join(sandbox, 'zero'), 'c', '1', '5']);
  const read = async (name: string) => (await files.read(`${sandbox}/${name}`, 0)).data.toString();
  const status = (name: string) =>
    files.read(`${sandbox}/${name}`, 0).then(
      ({ data }) => data.toString(),
      (error: { status: number }) => error.status,
    );
  t.equal(await read('plain'), 'text');
  t.equal(
    (await read('inside')).length,
    65_536,
    'links inside are followed, and no more than a part is read',
  );
  t.strictSame(await files.read(`${sandbox}/dir/inner`, 99_998, 10), {
    size: 100_000,
    data: Buffer.from('xx'),
  });
  t.strictSame(await files.read(`${sandbox}/dir/inner`, undefined), { size: 100_000, data: Buffer.alloc(0) });
  for (const name of ['absolute', 'upward', 'outside/secret', 'magic/etc/passwd', '../../../x', 'nothing'])
    t.equal(await status(name), 404, name);
  // Neither waits for a writer, nor is the device asked for anything.
  for (const name of ['fifo', 'zero', 'dir']) t.equal(await status(name), 400, name);
  t.strictSame(
    (await files.list(sandbox)).map((each) => path.basename(each.path)),
    ['absolute', 'dir', 'fifo', 'inside', 'magic', 'outside', 'plain', 'stderr', 'stdout', 'upward', 'zero'],
  );
  t.match(await files.list(`${sandbox}/dir/`), [{ path: `${sandbox}/dir/inner`, size: 100_000, nlink: 1 }]);
  await t.rejects(files.list(`${sandbox}/outside`), { message: 'No such file or folder' });
  const { size, content } = await files.download(`${sandbox}/dir/inner`);
  let got = 0;
  for await (const part of content) got += (part as Buffer).length;
  t.strictSame([size, got], [100_000, 100_000]);
});

t.test('what a program writes is there as stdout and stderr', root0, async (t) => {
  const { sandbox, files, log, logs, roots, root, name } = scene(t);
  t.match(await files.read(`${sandbox}/stdout`, 0), { size: 0 });
  // The task cannot put another in its place.
  symlinkSync('/etc/passwd', path.join(sandbox, 'stdout'));
  log([`${at(0)} stdout F old`, `${at(0)} stderr F woe`], 'log.1');
  const lines = Array.from(
    { length: 30_000 },
    (_, i) => `${at(1)} ${i % 3 === 2 ? 'stderr' : 'stdout'} F line ${i}`,
  );
  log([...lines, `${at(2)} stdout P half`, `${at(2)} stdout F  whole`]);
  const text = (stream: string) =>
    lines
      .filter((line) => line.includes(` ${stream} `))
      .map((line) => `${line.slice(40)}\n`)
      .join('');
  const out = `${text('stdout')}half whole\n`;
  const readAll = async (file: string) => {
    const parts: Buffer[] = [];
    for (let offset = 0; ; ) {
      const { size, data } = await files.read(`${sandbox}/${file}`, offset, 10_000);
      parts.push(data);
      offset += data.length;
      if (offset >= size) return Buffer.concat(parts).toString();
    }
  };
  t.ok((await readAll('stdout')) === out, 'all of it');
  t.ok((await readAll('stderr')) === text('stderr'));
  t.equal(await readAll('stdout.1'), 'old\n');
  t.equal((await files.read(`${sandbox}/stdout`, 100_003, 20)).data.toString(), out.slice(100_003, 100_023));
  writeFileSync(path.join(logs, 'log'), `${at(3)} stdout F more\n${at(3)} stdout F torn`, { flag: 'a' });
  t.equal(
    (await files.read(`${sandbox}/stdout`, out.length)).data.toString(),
    'more\n',
    'only whole records',
  );
  t.equal(
    (await files.list(sandbox)).find((each) => each.path.endsWith('/stdout'))?.size,
    out.length + 'more\n'.length,
  );
  keepLogs(roots, root, name.containerId);
  keepLogs(roots, root, name.containerId);
  t.notOk(existsSync(logs), 'they go with their container');
  t.equal((await files.read(`${sandbox}/stdout.1`, 0)).data.toString(), 'old\n');
  const { content } = await files.download(`${sandbox}/stdout`);
  const parts: Buffer[] = [];
  for await (const part of content) parts.push(part as Buffer);
  t.ok(Buffer.concat(parts).toString() === `${out}more\n`);
});

t.test('old sandboxes go, the sooner the fuller the disk, whatever is in them', root0, async (t) => {
  const { folder, root, sandbox, name, roots } = scene(t);
  const week = 7 * 24 * 3600;
  let use = 0;
  const used = new Set<string>();
  const failures: unknown[] = [];
  const collector = new SandboxCollector({
    root,
    delay: week,
    headroom: 0.1,
    inUse: (container) => used.has(container),
    onFailure: (error) => failures.push(error),
    diskUse: () => use,
  });
  t.equal(collector.ageLimit, week * 0.9);
  use = 0.4;
  t.ok(Math.abs(collector.ageLimit - week * 0.5) < 1);
  use = 0.95;
  t.equal(collector.ageLimit, 0);
  use = 0;
  writeFileSync(path.join(folder, 'keep'), 'of the host');
  mkdirSync(path.join(folder, 'kept'));
  writeFileSync(path.join(folder, 'kept/file'), '');
  symlinkSync(path.join(folder, 'kept'), path.join(sandbox, 'link'));
  linkSync(path.join(folder, 'keep'), path.join(sandbox, 'hard'));
  let deep = sandbox;
  for (let i = 0; i < 200; i++) deep = path.join(deep, 'd');
  mkdirSync(deep, { recursive: true });
  keepLogs(roots, root, name.containerId);
  const fresh = makeSandbox(root, { ...name, executorId: 'other', containerId: 'fresh' });
  retireSandbox(sandbox);
  retireSandbox(fresh);
  t.equal(await collector.sweep(), 0, 'both are young');
  const old = new Date(Date.now() - week * 1000);
  utimesSync(sandbox, old, old);
  used.add(name.containerId);
  t.equal(await collector.sweep(), 0, 'it is needed');
  used.clear();
  t.equal(await collector.sweep(), 1);
  t.strictSame([existsSync(sandbox), existsSync(fresh)], [false, true]);
  t.notOk(existsSync(path.join(root, 'slaves/a-S0/frameworks/f/executors/web.1')), 'nor are folders left');
  t.notOk(existsSync(path.join(root, 'logs', name.containerId)));
  t.ok(existsSync(path.join(folder, 'kept/file')));
  t.equal(readFileSync(path.join(folder, 'keep'), 'utf8'), 'of the host');
  use = 1;
  t.equal(await collector.sweep(), 1, 'a full disk leaves no time');
  t.strictSame(failures, []);
});
