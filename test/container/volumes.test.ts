import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { listVolumes, volumeFolder } from '../../src/containerizer/volume/store.js';
import { places } from '../../src/state/roots.js';
import { berth } from '../cli/berth.js';
import type { LayerEntry } from '../fixtures/oci-image-writer.js';
import { Stage, unlessRoot } from './stage.js';

const content: LayerEntry[] = [
  { name: 'data/', mode: 0o2750, uid: 33, gid: 33 },
  { name: 'data/seed', content: 'seed\n', mode: 0o640, uid: 33, gid: 4 },
  { name: 'data/deep/', mode: 0o700 },
  { name: 'data/deep/suid', content: 'x', mode: 0o4755 },
  { name: 'data/link', type: 'symlink', link: '../../../../etc/passwd' },
  { name: 'declared/', mode: 0o755 },
  { name: 'declared/file', content: 'declared\n' },
];

const look = 'cd /data; stat -c "%n %F %a %u:%g" . seed deep deep/suid link; cat seed';
const looked = [
  '. directory 2750 33:33',
  'seed regular file 640 33:4',
  'deep directory 700 0:0',
  'deep/suid regular file 4755 0:0',
  'link symbolic link 777 0:0',
  'seed',
];

/** Volumes of berth's own: what is in them at first, whose they are, and when they go. */
t.test('volumes', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { reference } = await stage.makeImage(content);
  const declaring = (await stage.makeImage(content, { Volumes: { '/declared': {}, '/data/': {} } }))
    .reference;
  const run = (...args: string[]) => stage.berth('run', ...args);
  const lines = ({ stdout }: { stdout: string }) => stdout.trimEnd().split('\n');
  const volumes = () => listVolumes(stage.roots).map(({ document }) => document.name);

  t.test('a volume begins with what the image has there, and keeps what is written', async (t) => {
    t.strictSame(
      lines(run('--rm', '-v', 'a:/data', reference, 'sh', '-c', `${look}; rm -r deep; echo new >seed`)),
      looked,
    );
    t.strictSame(
      lines(
        run('--rm', '-v', 'a:/data', '--userns', 'host', reference, 'sh', '-c', 'cat /data/seed; ls /data'),
      ),
      [...['new', 'link', 'seed']],
    );
    t.match(
      statSync(path.join(volumeFolder(stage.roots, 'a'), 'data')),
      { uid: 33, gid: 33 },
      'ids as inside',
    );
    t.equal(statSync(places.volumes(stage.roots)).mode & 0o777, 0o700, 'the way there is root alone');
    t.strictSame(
      lines(
        run('--rm', '-v', 'b:/data:nocopy', reference, 'sh', '-c', 'ls -A /data | wc -l; stat -c %a /data'),
      ),
      [...['0', '755']],
    );
    t.strictSame(
      lines(run('--rm', '--mount', 'src=b,dst=/data,ro', reference, 'sh', '-c', `${look}; touch x 2>&1`)),
      [...looked, 'touch: x: Read-only file system'],
    );
    t.equal(
      run('--rm', '-v', 'c:/nowhere/yet', reference, 'stat', '-c', '%a %u', '/nowhere/yet').stdout,
      '755 0\n',
    );
  });

  t.test('a crash while it is filled: the next container finishes it, or begins anew', async (t) => {
    stage.berth('volume create', 'torn');
    const folder = volumeFolder(stage.roots, 'torn');
    mkdirSync(path.join(folder, 'fresh/half'), { recursive: true });
    t.strictSame(lines(run('--rm', '-v', 'torn:/data', reference, 'sh', '-c', look)), looked);
    stage.berth('volume create', 'moved');
    const other = volumeFolder(stage.roots, 'moved');
    mkdirSync(path.join(other, 'whole'));
    writeFileSync(path.join(other, 'whole/second'), 'second\n');
    writeFileSync(path.join(other, 'data/first'), 'first\n');
    t.strictSame(
      lines(
        run('--rm', '-v', 'moved:/data', reference, 'sh', '-c', 'cd /data; cat first second; ls | wc -l'),
      ),
      [...['first', 'second', '2']],
    );
    for (const each of [folder, other]) t.strictSame(readdirSync(each).sort(), ['data', 'volume.json']);
  });

  t.test(
    'what a container had written was replaced by what the image has, or nobody could start any more',
    async (t) => {
      stage.berth('volume create', 'shared');
      const folder = volumeFolder(stage.roots, 'shared');
      for (const place of ['whole/both', 'data/both'])
        mkdirSync(path.join(folder, place), { recursive: true });
      writeFileSync(path.join(folder, 'whole/both/theirs'), 'image\n');
      writeFileSync(path.join(folder, 'data/both/mine'), 'precious\n');
      writeFileSync(path.join(folder, 'whole/file'), 'image\n');
      writeFileSync(path.join(folder, 'data/file'), 'precious\n');
      const seen = run(
        '--rm',
        '-v',
        'shared:/data',
        reference,
        'sh',
        '-c',
        'cd /data; cat both/mine file; ls . both',
      );
      t.strictSame(lines(seen), ['precious', 'precious', '.:', 'both', 'file', '', 'both:', 'mine']);
      t.strictSame(readdirSync(folder).sort(), ['data', 'volume.json']);
    },
  );

  t.test("volumes without a name are their container's, and go with it", async (t) => {
    const before = volumes();
    t.strictSame(
      lines(
        run(
          '--rm',
          '-v',
          '/data',
          declaring,
          'sh',
          '-c',
          'cat /data/seed /declared/file; grep -cE " /(data|declared) " /proc/self/mountinfo',
        ),
      ),
      ['seed', 'declared', '2'],
    );
    t.strictSame(volumes(), before, 'with --rm at once');
    const id = run('-d', declaring, 'sh', '-c', 'echo kept >/declared/more').stdout.trim();
    stage.berth('wait', id);
    const own = volumes().filter((name) => name.startsWith(`${id}-`));
    t.equal(own.length, 2);
    const taken = run(
      '--rm',
      '--volumes-from',
      `${id}:ro`,
      reference,
      'sh',
      '-c',
      'cat /declared/more; touch /data/x 2>&1',
    );
    t.strictSame(lines(taken), ['kept', 'touch: /data/x: Read-only file system']);
    t.match(stage.berth('volume rm', own[0] ?? ''), {
      status: 125,
      stderr: new RegExp(`container ${id} has it`),
    });
    stage.berth('rm', '-v', id);
    t.strictSame(volumes(), before);
    const stays = run('-d', declaring, 'true').stdout.trim();
    stage.berth('wait', stays);
    stage.berth('rm', stays);
    t.strictSame(lines(stage.berth('volume prune')), [`${stays}-1`, `${stays}-2`]);
    t.strictSame(volumes(), before);
    const killed = run('-d', '--rm', declaring, 'sleep', '60').stdout.trim();
    const { supervisor } = JSON.parse(
      spawnSync('cat', [path.join(places.run(stage.roots, killed), 'state.json')], { encoding: 'utf8' })
        .stdout,
    ) as { supervisor: { pid: number } };
    t.match(run('--rm', '--volumes-from', killed, reference, 'true'), {
      status: 125,
      stderr: /started with --rm/,
    });
    process.kill(supervisor.pid, 'SIGKILL');
    while (existsSync(`/proc/${supervisor.pid}`)) await new Promise((resolve) => setTimeout(resolve, 20));
    stage.berth('ps', '-a');
    t.strictSame(volumes(), before, 'also when the supervisor was killed');
    t.match(run('--rm', declaring, 'nonesuch'), { status: 127 });
    t.strictSame(volumes(), before, 'and when nothing came of it');
  });

  t.test('create, ls, inspect, rm, prune', async (t) => {
    const fresh = path.join(stage.folder, 'not/there');
    const first = ['volume', 'create', '--root', fresh, '--state', `${fresh}-state`, 'first'];
    t.match(berth(first), { status: 0, stdout: 'first\n', stderr: '' }, 'on a root that is not there yet');
    t.match(stage.berth('volume create', '--label', 'a=b', 'made'), { status: 0, stdout: 'made\n' });
    t.match(stage.berth('volume create', 'made'), { status: 0, stdout: 'made\n' });
    const [made] = JSON.parse(stage.berth('volume inspect', 'made').stdout) as unknown[];
    t.match(made, {
      ...{ name: 'made', labels: { a: 'b' }, anonymous: false, driver: 'local', used_by: [] },
      mountpoint: path.join(volumeFolder(stage.roots, 'made'), 'data'),
    });
    t.ok(lines(stage.berth('volume ls', '-q')).includes('made'));
    const chosen = (...args: string[]) =>
      lines(stage.berth('volume ls', '-q', ...args.flatMap((each) => ['--filter', each])));
    t.strictSame(chosen('label=a=b', 'name=^ma'), ['made']);
    t.strictSame(chosen('label=a=c'), [''], 'none');
    t.ok(chosen('dangling=true', 'driver=local').includes('made'));
    t.notOk(chosen('dangling=false').includes('made'));
    t.match(stage.berth('volume ls', '-f', 'dangling=maybe'), { status: 125, stderr: /true or false/ });
    const template = '{{.Name}} {{.Labels}} {{.Label "a"}}';
    t.equal(stage.berth('volume ls', '-f', 'name=made', '--format', template).stdout, 'made a=b b\n');
    const id = run('-d', '-v', 'made:/data', reference, 'true').stdout.trim();
    stage.berth('wait', id);
    t.match(JSON.parse(stage.berth('volume inspect', '--json', 'made').stdout), [{ used_by: [id] }]);
    t.ok(chosen('dangling=0').includes('made'), 'a container has it');
    t.match(stage.berth('volume rm', 'made', 'gone'), {
      status: 125,
      stderr: /^berth: volume made: container \w+ has it\n.*\nberth: volume gone: no volume has that name\n/,
    });
    stage.berth('rm', id);
    t.match(stage.berth('volume rm', '-f', 'made', 'gone'), { status: 0, stdout: 'made\n', stderr: '' });
    for (const name of ['../x', '.new-1', 'a/b', ''])
      t.match(stage.berth('volume create', name), { status: 125, stderr: /a name has 1 to 128/ }, name);
    t.match(stage.berth('volume rm', '../containers'), { status: 125, stderr: /no volume has that name/ });
    mkdirSync(path.join(places.volumes(stage.roots), '.new-left'));
    t.ok(lines(stage.berth('volume prune', '--all')).includes('a'));
    t.strictSame(readdirSync(places.volumes(stage.roots)), []);
  });
});
