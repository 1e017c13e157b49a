import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { copyNotes } from '../../src/cli/copy-progress.js';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import { copyFiles } from '../../src/containerizer/container/copy.js';
import { parseCopySide } from '../../src/containerizer/container/copy-paths.js';
import { createContainer } from '../../src/containerizer/container/create.js';
import { pauseContainer, unpauseContainer } from '../../src/containerizer/container/pause.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { volumeData } from '../../src/containerizer/volume/store.js';
import { BerthError } from '../../src/errors/berth-error.js';
import { entriesBelow } from '../fixtures/entries-below.js';
import { defaults, Stage, unlessRoot } from './stage.js';

/** Paths on the host, and `cp` as the command line has it: what it said, after its status if that is not 0. */
const places = (stage: Stage) => {
  const at = (...parts: string[]) => path.join(stage.folder, ...parts);
  const cp = async (...words: string[]) => {
    const [source = '', target = ''] = words.filter((word) => !word.startsWith('-'));
    try {
      const options = {
        archive: words.includes('-a'),
        followLink: words.includes('-L'),
        onProgress: () => {},
      };
      const counts = await copyFiles(stage.roots, parseCopySide(source), parseCopySide(target), options);
      return copyNotes(counts).join();
    } catch (error) {
      if (error instanceof BerthError) return `125 ${error.message}`;
      throw error;
    }
  };
  return { at, cp };
};

/** Files below a folder, with what is in them. */
const listing = (folder: string) =>
  entriesBelow(folder)
    .map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      const name = path.relative(folder, file);
      if (entry.isFile()) return `${name}: ${readFileSync(file, 'utf8')}`;
      return entry.isSymbolicLink() ? `${name} -> ${readlinkSync(file)}` : `${name}/`;
    })
    .sort();

t.test('where a copy lands, both ways, running and not', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { at, cp } = places(stage);
  mkdirSync(at('src/sub'), { recursive: true });
  writeFileSync(at('src/one'), '1');
  writeFileSync(at('src/sub/two'), '2');
  symlinkSync('one', at('src/link'));
  for (const folder of ['seen', 'shut']) mkdirSync(at(folder));
  const volume = { recursive: false, idmap: true };
  const withVolumes = {
    volumes: [
      { ...volume, source: at('seen'), target: '/mnt/seen', readonly: false },
      { ...volume, source: at('shut'), target: '/mnt/shut', readonly: true },
    ],
    namedVolumes: [{ name: 'stored', target: '/mnt/stored', readonly: false, copy: true }],
  };
  const running = await stage.start(['sleep', '1000'], { remove: false, name: 'runs', ...withVolumes });
  await createContainer(stage.roots, {
    image: stage.image,
    options: { ...defaults, remove: false, name: 'waits', command: ['sleep', '1000'], ...withVolumes },
  });
  const all = ['link -> one', 'one: 1', 'sub/', 'sub/two: 2'];
  const below = (name: string, lines: string[]) => [`${name}/`, ...lines.map((line) => `${name}/${line}`)];
  for (const name of ['runs', 'waits']) {
    // Into it: under a new name, into a folder that is there, what is in it alone, over a file.
    t.equal(await cp(at('src'), `${name}:/tmp/new`), '');
    t.equal(await cp(at('src'), `${name}:/tmp/new`), '');
    t.equal(await cp(`${at('src')}/.`, `${name}:tmp/content`), '');
    t.equal(await cp(at('src/one'), `${name}:/tmp/content/`), '');
    t.equal(await cp(at('src/sub/two'), `${name}:/tmp/content/one`), '');
    t.equal(await cp(at('src/one'), `${name}:/tmp/file`), '');
    // And out again.
    const out = at(`out-${name}`);
    mkdirSync(out);
    t.equal(await cp(`${name}:/tmp/.`, out), '');
    t.strictSame(listing(out), [
      ...below('content', ['link -> one', 'one: 2', 'sub/', 'sub/two: 2']),
      'file: 1',
      ...below('new', [...all.slice(0, 2), ...below('src', all), ...all.slice(2)]),
    ]);
    t.equal(await cp(`${name}:/tmp/new/src`, out), '');
    t.strictSame(listing(path.join(out, 'src')), all);
    t.equal(await cp(`${name}:/tmp/new/src`, path.join(out, 'renamed')), '');
    t.strictSame(listing(path.join(out, 'renamed')), all);
    // Links: themselves, or what they lead to.
    t.equal(await cp(`${name}:/tmp/new/link`, path.join(out, 'as-link')), '');
    t.equal(readlinkSync(path.join(out, 'as-link')), 'one');
    t.equal(await cp('-L', `${name}:/tmp/new/link`, path.join(out, 'as-file')), '');
    t.equal(readFileSync(path.join(out, 'as-file'), 'utf8'), '1');
    // Streams.
    const tar = spawnSync(
      'sh',
      ['-c', `${stage.command('cp', [`${name}:/tmp/new/src`, '-']).join(' ')} | tar -t`],
      {
        encoding: 'utf8',
      },
    );
    t.strictSame(tar.stdout.split('\n').filter(Boolean).sort(), [
      'src/',
      'src/link',
      'src/one',
      'src/sub/',
      'src/sub/two',
    ]);
    const into = spawnSync(
      'sh',
      [
        '-c',
        `tar -C ${at('src')} --owner=33 --group=34 -c . | ${stage.command('cp', ['-', `${name}:/tmp/file/..`]).join(' ')}`,
      ],
      { encoding: 'utf8' },
    );
    t.match(into, { status: 0, stderr: '' });
    t.equal(await cp(`${name}:/tmp/sub`, path.join(out, 'streamed')), '');
    t.strictSame(listing(path.join(out, 'streamed')), ['two: 2']);
    // Volumes, as it sees them.
    t.equal(await cp(at('src/one'), `${name}:/mnt/seen/of-${name}`), '');
    t.equal(readFileSync(at('seen', `of-${name}`), 'utf8'), '1');
    t.match(await cp(at('src/one'), `${name}:/mnt/shut/`), /mnt\/shut\/: what is there is read-only/);
    t.equal(await cp(at('src/one'), `${name}:/mnt/stored/of-${name}`), '');
    t.equal(readFileSync(path.join(volumeData(stage.roots, 'stored'), `of-${name}`), 'utf8'), '1');
    // What does not go leaves nothing.
    const before = listing(out);
    for (const [source, target, why] of [
      [`${name}:/nope`, out, /nope: it is not there/],
      [`${name}:/tmp/file/`, out, /file\/: it is not a folder/],
      [`${name}:/tmp/new`, path.join(out, 'file'), /a folder cannot take the place of a file/],
      [`${name}:/tmp/file`, path.join(out, 'nope/'), /there is no such folder/],
      [`${name}:/tmp/file`, path.join(out, 'no/pe'), /the folder that it is to be in is not there/],
      [at('src'), `${name}:/tmp/file`, /a folder cannot take the place of a file/],
      [at('src/one'), `${name}:/tmp/new/`, undefined],
      [at('src/one'), at('src/two'), /neither path is one of a container/],
      [`${name}:/a`, 'b:/c', /both paths are of containers/],
      [at('src'), `${name}:`, /it names a container and no path in it/],
      [at('src'), 'nobody:/tmp', /no container has that name or id/],
    ] as const) {
      if (why !== undefined) t.match(await cp(source, target), why);
    }
    t.strictSame(listing(out), before);
  }
  t.match(JSON.parse(stage.berth('cp', '--json', 'runs:/tmp/new/src', at('counted')).stdout), {
    source: 'runs:/tmp/new/src',
    entries: 5,
    bytes: 2,
    sockets: 0,
    devices: 0,
    attributes: 0,
  });

  await pauseContainer(stage.roots, findContainer(stage.roots, 'runs'));
  t.equal(await cp('runs:/tmp/file', at('from-paused')), '', 'a paused container');
  t.equal(await cp(at('src/one'), 'runs:/tmp/to-paused'), '');
  t.equal(findContainer(stage.roots, 'runs').paused, true);
  unpauseContainer(stage.roots, findContainer(stage.roots, 'runs'));
  running.signal(9);
  await running.ended;
  await running.gone;
  t.equal(await cp('runs:/tmp/to-paused', at('from-ended')), '', 'one that has ended');
  for (const name of ['runs', 'waits'])
    await removeContainer(stage.roots, findContainer(stage.roots, name), { force: true });
});

t.test('what a copy keeps, and what it leaves', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { at, cp } = places(stage);
  const script = `
    set -e
    mkdir /tmp/all; cd /tmp/all
    echo x >owned; chown 33:34 owned; chmod 4751 owned; ln owned linked; touch -d '2001-02-03 04:05:06' owned
    mkfifo -m 640 fifo; truncate -s 3G huge; echo end >>huge
    mkdir -m 1777 sticky; touch "$(printf 'not-utf8-\\377')"; ln -s /etc/passwd outward
    echo hidden >/mnt/tmpfs/inside
    touch /tmp/ready; exec sleep 1000`;
  const [volume, shut] = [at('volume'), at('shut')];
  for (const folder of [volume, shut]) mkdirSync(folder);
  writeFileSync(at('single'), '');
  mkdirSync(at('strange'));
  writeFileSync(at('strange/capable'), '');
  const server = createServer().listen(path.join(volume, 'socket'));
  t.teardown(() => server.close());
  const container = await stage.start(['sh', '-c', script], {
    name: 'kept',
    capAdd: ['MKNOD'],
    tmpfs: [{ target: '/mnt/tmpfs', options: ['size=1m'] }],
    volumes: [
      { source: volume, target: '/mnt/volume', readonly: false, recursive: false, idmap: true },
      { source: at('strange'), target: '/mnt/strange', readonly: false, recursive: false, idmap: false },
      { source: at('single'), target: '/mnt/single', readonly: false, recursive: false, idmap: true },
      { source: shut, target: '/mnt/shut', readonly: true, recursive: false, idmap: true },
    ],
  });
  while ((await cp('kept:/tmp/ready', at('ready'))) !== '') await sleep(50);

  t.equal(await cp('kept:/tmp/all', at('plain')), '');
  const plain = (name: string) => statSync(at('plain', name));
  t.match(plain('owned'), { uid: 0, gid: 0, nlink: 2, mtimeMs: Date.UTC(2001, 1, 3, 4, 5, 6) });
  t.equal(plain('owned').mode & 0o7777, 0o751, 'no set-id bits for the owner here');
  t.equal(plain('sticky').mode & 0o7777, 0o1777);
  t.equal(plain('huge').size, 3 * 2 ** 30 + 4);
  t.ok(plain('huge').blocks < 64, 'holes stay holes');
  t.ok(lstatSync(at('plain/fifo')).isFIFO());
  t.equal(readlinkSync(at('plain/outward')), '/etc/passwd');
  const raw = readdirSync(at('plain'), { encoding: 'buffer' }).map((name) => name.toString('latin1'));
  t.ok(raw.includes('not-utf8-\u00ff'));

  t.equal(await cp('-a', 'kept:/tmp/all', at('archived')), '');
  t.match(statSync(at('archived/owned')), { uid: 33, gid: 34, mode: 0o104751 }, 'ids as inside');

  t.equal(await cp('kept:/mnt/volume', at('socketless')), 'left out: 1 socket');

  // Inwards: root's, or as they were; attributes go along.
  spawnSync('setfattr', ['-n', 'user.note', '-v', 'kept', at('archived/owned')]);
  spawnSync('setcap', ['cap_net_raw+ep', at('archived/huge')]);
  for (const where of ['/tmp', '/mnt/volume', '/mnt/tmpfs']) {
    // A tmpfs has such attributes since Linux 6.6.
    const told = where === '/mnt/tmpfs' ? /^(left out: 1 extended attribute)?$/ : /^$/;
    t.match(await cp(at('archived/owned'), `kept:${where}/rooted`), told, where);
    t.match(await cp('-a', at('archived/owned'), `kept:${where}/as-was`), told, where);
  }
  t.equal(await cp('-a', at('archived/huge'), 'kept:/tmp/capable'), '');
  const inside = stage.berth(
    'exec',
    'kept',
    'sh',
    '-c',
    'cd /tmp; stat -c "%n %u:%g %a" rooted as-was; cat /mnt/tmpfs/inside',
  );
  t.equal(inside.stdout, 'rooted 0:0 4751\nas-was 33:34 4751\nhidden\n');
  t.match(statSync(path.join(volume, 'as-was')), { uid: 33, gid: 34 });
  t.equal(await cp('-a', 'kept:/tmp/capable', at('capable')), '');
  t.match(spawnSync('getcap', [at('capable')], { encoding: 'utf8' }).stdout, /cap_net_raw/);
  t.match(await cp('kept:/tmp/capable', at('incapable')), /left out: 1 extended attribute/);
  spawnSync('setcap', ['cap_net_raw+ep', at('strange/capable')]);
  t.equal(await cp('kept:/mnt/strange/capable', at('strange-one')), 'left out: 1 extended attribute');
  t.equal(await cp('kept:/tmp/as-was', at('noted')), '');
  t.match(
    spawnSync('getfattr', ['-n', 'user.note', '--only-values', at('noted')], { encoding: 'utf8' }).stdout,
    'kept',
  );
  const owner = statSync(at('ready')).uid;
  t.equal(owner, 0);

  // The kernel's files: what reading them gives, and not at all below something else.
  t.equal(await cp('kept:/proc/1/cmdline', at('cmdline')), '');
  t.equal(readFileSync(at('cmdline'), 'latin1'), 'sleep\0'.concat('1000\0'));
  t.match(await cp('kept:/proc/self/exe', at('self')), /125 .*proc\/self\/exe: it is not there/);
  t.match(
    await cp('-L', 'kept:/proc/1/root', at('self')),
    /125 .*not even root of the container|125 .*link on the way/,
  );
  t.match(await cp('kept:/dev/null', at('null')), /it is a device or a socket/);

  // Refusals, after which nothing is there.
  t.match(await cp(at('ready'), 'kept:/mnt/shut/x'), /125 .*read-only, also for the container/);
  t.match(await cp(at('ready'), 'kept:/mnt/single'), /mnt\/single: something is mounted there/);
  t.match(await cp(at('ready'), 'kept:/proc/sys/kernel/hostname'), /^125 /);
  spawnSync('sh', ['-c', `mkdir ${at('much')}; head -c 3000000 /dev/zero >${at('much/first')}`]);
  t.match(await cp(at('much'), 'kept:/mnt/tmpfs/much'), /125 .*'much\/first': no space is left/);
  const left = stage.berth('exec', 'kept', 'sh', '-c', 'ls -A /mnt/tmpfs /mnt/tmpfs/much /mnt/shut');
  t.equal(left.stdout, '/mnt/shut:\n\n/mnt/tmpfs:\nas-was\ninside\nmuch\nrooted\n\n/mnt/tmpfs/much:\n');
  container.signal(9);
  await container.ended;
  await container.gone;
  t.match(await cp('kept:/tmp/ready', at('late')), /no container has that name/);
});

t.test('a read-only container', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { at, cp } = places(stage);
  writeFileSync(at('file'), 'x');
  const container = await stage.start(['sleep', '1000'], { name: 'shut', remove: false, readOnly: true });
  t.match(await cp(at('file'), 'shut:/root/file'), /125 .*shut:\/root\/file: what is there is read-only/);
  t.equal(await cp('shut:/bin/busybox', at('busybox')), '');
  container.signal(9);
  await container.ended;
  await container.gone;
  t.match(await cp(at('file'), 'shut:/root/file'), /read-only/, 'nor when it has ended');
  t.equal(await cp('shut:/bin/busybox', at('busybox')), '');
  t.equal(existsSync(at('busybox')), true);
  await removeContainer(stage.roots, findContainer(stage.roots, 'shut'), { force: true });
});

t.test('a container that swaps what is copied, and callers that die', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { at, cp } = places(stage);
  mkdirSync(at('canary/deep'), { recursive: true });
  writeFileSync(at('canary/deep/file'), 'the canary sings');
  mkdirSync(at('payload/deep'), { recursive: true });
  writeFileSync(at('payload/deep/file'), 'payload');
  const container = await stage.start(
    [
      'sh',
      '-c',
      `mkdir -p /a/deep /b /quiet; echo mine >/a/deep/file; ln -s ${at('canary')} /b/link; ln -s ${at('canary')}/deep /b/deep
       mkfifo /a/fifo; mknod /a/null c 1 3
       while :; do mv /a /c; mv /b/link /a; mv /a /b/link; mv /c /a; mv /a/deep /a/x; mv /b/deep /a/deep; mv /a/deep /b/deep; mv /a/x /a/deep; done`,
    ],
    { name: 'swaps', capAdd: ['MKNOD'] },
  );
  for (let i = 0; i < 12; ++i) {
    await cp('swaps:/a', at(`out-${i}`));
    await cp('-L', 'swaps:/a', at(`followed-${i}`));
    await cp(`${at('payload')}/.`, 'swaps:/a');
    await cp(at('payload/deep/file'), 'swaps:/a/deep/file');
  }
  t.strictSame(listing(at('canary')), ['deep/', 'deep/file: the canary sings'], 'nothing came out of it');
  const got = readdirSync(stage.folder).filter((name) => /^(out|followed)-/.test(name));
  t.ok(got.length > 0);
  for (const name of got) t.notMatch(contentOf(at(name)), /canary sings/);

  // A caller that is killed: nothing half stays, and nothing goes on.
  const [file = '', ...words] = stage.command('cp', ['-', 'swaps:/quiet']);
  const caller = spawn(file, words, { stdio: ['pipe', 'ignore', 'inherit'] });
  const tar = spawnSync('tar', ['-C', at('payload/deep'), '-c', 'file']).stdout;
  caller.stdin.write(tar.subarray(0, 512));
  const helper = () =>
    readdirSync(`/proc/${caller.pid}/task/${caller.pid}`).length > 0 &&
    readFileSync(`/proc/${caller.pid}/task/${caller.pid}/children`, 'utf8').trim();
  while (!helper()) await sleep(20);
  const pid = helper();
  caller.kill('SIGKILL');
  while (existsSync(`/proc/${pid}`)) await sleep(20);
  t.equal(stage.berth('exec', 'swaps', 'ls', '-A', '/quiet').stdout, '');
  container.signal(9);
  await container.ended;
  await container.gone;
});

/** What a file holds, or what the files below a folder do. */
function contentOf(file: string): string {
  const status = lstatSync(file);
  if (status.isDirectory())
    return listing(file)
      .filter((line) => !line.startsWith('fifo'))
      .join('\n');
  return status.isFile() ? readFileSync(file, 'utf8') : '';
}
