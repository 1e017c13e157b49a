import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import type { ContainerOptions, Volume } from '../../src/containerizer/container/options.js';
import { rootHash } from '../../src/state/roots.js';
import type { LayerEntry } from '../fixtures/oci-image-writer.js';
import { Stage, unlessRoot } from './stage.js';

const extra: LayerEntry[] = [
  { name: 'opt/', mode: 0o755 },
  { name: 'opt/plain', content: 'echo x', mode: 0o644 },
  { name: 'opt/no-interpreter', content: '#!/no/such\n', mode: 0o755 },
  { name: 'opt/script', content: '#!/bin/sh\necho "script $0 $1"\n', mode: 0o755 },
  { name: 'opt/nonsense', content: 'neither ELF nor script', mode: 0o755 },
  {
    name: 'etc/passwd',
    content:
      'root:x:0:0:root:/root:/bin/sh\n1000:x:0:0:digits:/:/bin/sh\nweb:x:33:34:web:/srv/web:/bin/sh\nnogroup-home:x:44:44::relative:/bin/sh\n4294967296:x:0:0::/:/bin/sh\n',
  },
  {
    name: 'etc/group',
    content: 'root:x:0:\nweb:x:34:\nadm:x:4:web\naudio:x:29:other,web\nwebby:x:30:webb\n',
  },
];

/** What the program is given: who it is, its variables, its folder, its descriptors; and how a start that fails is told. */
t.test('the program', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const image = await stage.makeImage(extra);
  const sh = (script: string, options: Partial<ContainerOptions> = {}) => stage.sh(script, options, image);

  t.test('-u: names, numbers and groups as Docker has them', async (t) => {
    const who = 'echo $(id -u) $(id -g) $(id -G) $HOME';
    const cases: [string | undefined, string][] = [
      [undefined, '0 0 0 /root'],
      ['web', '33 34 34 4 29 /srv/web'],
      ['web:audio', '33 29 29 /srv/web'],
      ['web:77', '33 77 77 /srv/web'],
      ['33', '33 34 34 4 29 /srv/web'],
      ['33:5', '33 5 5 /srv/web'],
      ['4321', '4321 0 0 /'],
      ['4321:99', '4321 99 99 /'],
      // In the image's passwd there is a user called 1000 with uid 0: a number is never taken for a name.
      ['1000', '1000 0 0 /'],
      ['nogroup-home', '44 44 44 /'],
    ];
    for (const [user, expected] of cases) {
      t.equal(await sh(who, user === undefined ? {} : { user }), expected, user ?? 'none');
    }
  });

  t.test('-u: what is no user is refused', async (t) => {
    const long = `${'0'.repeat(130)}1000`;
    for (const user of [
      'nobody-here',
      'web:nobody-here',
      '4294967295',
      '4294967296',
      '99999999999999999999',
      '2147483648',
      '65536',
      '-1',
      long,
    ]) {
      await t.rejects(stage.run(['true'], { user }, image), { code: 'USER_UNKNOWN', exit: 125 }, user);
    }
  });

  t.test('variables: the image first, then the caller, the last of each counts', async (t) => {
    const own = stage.configured({ Env: ['PATH=/bin', 'A=image', 'B=image', 'HOME=/elsewhere'] });
    const text = await stage.sh('env | sort', { env: ['A=caller', 'C=1', 'C=2', 'D='], hostname: 'h' }, own);
    t.strictSame(
      text.split('\n').filter((line) => !/^(_|PWD|OLDPWD|SHLVL)=/.test(line)),
      ['A=caller', 'B=image', 'C=2', 'D=', 'HOME=/elsewhere', 'HOSTNAME=h', 'PATH=/bin'],
    );
  });

  t.test('-w: a missing folder is made, and the image has its say', async (t) => {
    t.equal(await sh('pwd; stat -c "%a %u" .', { workingDirectory: '/a/b/c' }), '/a/b/c\n755 0');
    t.equal(await stage.sh('pwd', {}, stage.configured({ WorkingDir: '/var/www' })), '/var/www');
    t.equal(
      await stage.sh('pwd', { workingDirectory: '/tmp' }, stage.configured({ WorkingDir: '/var/www' })),
      '/tmp',
    );
    await t.rejects(sh('pwd', { workingDirectory: '/etc/passwd' }), {
      code: 'LAUNCH_FAILED',
      message: /working directory \/etc\/passwd/,
    });
  });

  t.test('the command: entry point, PATH, scripts', async (t) => {
    const own = stage.configured({ Entrypoint: ['echo', 'entry'], Cmd: ['image'] });
    t.equal((await stage.run([], {}, own)).stdout, 'entry image\n');
    t.equal((await stage.run(['mine'], {}, own)).stdout, 'entry mine\n');
    t.equal((await stage.run(['/opt/script', 'a'], {}, image)).stdout, 'script /opt/script a\n');
    t.equal(
      (await stage.run(['script', 'b'], { env: ['PATH=/nowhere:/opt'] }, image)).stdout,
      'script /opt/script b\n',
    );
    t.equal(
      (await stage.run(['./script', 'c'], { workingDirectory: '/opt' }, image)).stdout,
      'script ./script c\n',
    );
  });

  t.test('a command that cannot run: 127 or 126, and why', async (t) => {
    const cases: [string, string, number, RegExp][] = [
      ['nonesuch', 'COMMAND_NOT_FOUND', 127, /^command nonesuch: not found in image/],
      ['/nonesuch', 'COMMAND_NOT_FOUND', 127, /^command \/nonesuch: not found/],
      ['/opt/no-interpreter', 'COMMAND_NOT_FOUND', 127, /interpreter or loader/],
      ['/opt/plain', 'COMMAND_NOT_EXECUTABLE', 126, /permission denied/],
      ['/opt', 'COMMAND_NOT_EXECUTABLE', 126, /permission denied/],
      ['/opt/nonsense', 'COMMAND_NOT_EXECUTABLE', 126, /exec format error/i],
      ['/etc/passwd/x', 'COMMAND_NOT_EXECUTABLE', 126, /not a directory/],
    ];
    for (const [command, code, exit, message] of cases) {
      await t.rejects(stage.run([command], {}, image), { code, exit, message }, command);
    }
    await t.rejects(stage.run([], {}, stage.configured({ Cmd: [] })), { code: 'USAGE' });
  });

  t.test('exit codes, as a shell has them', async (t) => {
    t.match((await stage.run(['sh', '-c', 'exit 42'])).exit, { status: 42, signal: null, oom_killed: false });
    t.match(
      (await stage.run(['sh', '-c', 'sh -c "kill -9 1"; trap "exit 7" TERM; kill -TERM 1; sleep 9'])).exit,
      { status: 7 },
    );
    const container = await stage.start(['sleep', '60']);
    container.signal(9);
    t.match(await container.ended, { status: 137, signal: 9, oom_killed: false, log_bytes_dropped: 0 });
  });

  t.test('no descriptors but its three, and those reopen', async (t) => {
    t.equal(
      (await stage.run(['ls', '/proc/self/fd'])).stdout,
      '0\n1\n2\n3\n',
      'the fourth is the folder that ls reads',
    );
    const text = await stage.run([
      'sh',
      '-c',
      'echo a >/dev/stdout; echo b >/dev/stderr; cat /dev/stdin | wc -c; echo c >/proc/self/fd/1',
    ]);
    t.match(text, { stdout: 'a\n0\nc\n', stderr: 'b\n' });
    const user = await stage.run(
      ['sh', '-c', 'echo a >/dev/stdout; echo b >/dev/stderr'],
      { user: '33' },
      image,
    );
    t.match(user, { stdout: 'a\n', stderr: 'b\n' }, 'for a program that is not root too');
  });

  t.test('umask, signals and session as a new program expects them', async (t) => {
    const { stdout } = await stage.run(['grep', '-E', '^(Umask|SigBlk|SigIgn):', '/proc/self/status']);
    t.equal(stdout, `Umask:\t0022\nSigBlk:\t${'0'.repeat(16)}\nSigIgn:\t${'0'.repeat(16)}\n`);
    t.equal(
      await stage.sh('set -o pipefail; yes | head -1; echo $?'),
      'y\n141',
      'SIGPIPE ends what writes to nobody',
    );
    t.equal(await stage.sh('cut -d" " -f5,6 /proc/1/stat'), '1 1', 'leader of its group and session');
  });

  t.test('volumes: owners round-trip, ro, files, what is missing', async (t) => {
    const host = path.join(stage.folder, 'volume');
    mkdirSync(path.join(host, 'sub'), { recursive: true });
    writeFileSync(path.join(host, 'file'), 'from the host\n');
    chownSync(path.join(host, 'file'), 1234, 33);
    const volume = (target: string, more: Partial<Volume> = {}): Volume => ({
      source: host,
      target,
      readonly: false,
      recursive: false,
      idmap: true,
      ...more,
    });

    t.equal(
      await sh(
        'cat /data/file; stat -c "%u:%g" /data/file /data; echo x >/data/made; chown 33:34 /data/made; cp /bin/busybox /data/su; chmod 4755 /data/su',
        { volumes: [volume('/data')] },
      ),
      'from the host\n1234:33\n0:0',
    );
    t.match(statSync(path.join(host, 'made')), { uid: 33, gid: 34 }, 'owners are the same on the host');
    t.equal(
      await sh('stat -c "%u" /data/file', { volumes: [volume('/data', { idmap: false })] }),
      '65534',
      'or nobody, without a map',
    );
    t.equal(
      await sh('touch /data/file; touch /data/new; cat /data/file', {
        volumes: [volume('/data', { readonly: true })],
      }),
      'touch: /data/file: Read-only file system\ntouch: /data/new: Read-only file system\nfrom the host',
    );
    const flags = await sh('grep " /data " /proc/self/mountinfo', { volumes: [volume('/data')] });
    t.match(flags, / \/data rw,nosuid,nodev/);

    const file = { ...volume('/etc/motd'), source: path.join(host, 'file') };
    t.equal(
      await sh('cat /etc/motd', { volumes: [file] }),
      'from the host',
      'a file, where the image has none',
    );
    t.equal(
      await sh('cat /etc/passwd', { volumes: [{ ...file, target: '/etc/passwd' }] }),
      'from the host',
      'a file over one of the image',
    );
    await t.rejects(sh('true', { volumes: [{ ...file, source: `${host}/gone` }] }), {
      code: 'LAUNCH_FAILED',
      message: /volume .*gone.*ENOENT/,
      mend: /Make it/,
    });
    await t.rejects(sh('true', { volumes: [{ ...file, target: '/etc' }] }), { code: 'LAUNCH_FAILED' });
  });
});

t.test('a supervisor is in no cgroup of its launcher, the first one neither', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const shared = `berth-${rootHash(roots)}`;
  // Of the first one they may not be there yet when its supervisor starts.
  for (const which of ['first', 'next']) {
    const container = await stage.start(['sleep', 'infinity']);
    const { document, process: running } = findContainer(roots, container.id);
    const { v1, unified } = document.cgroup_places;
    const lines = readFileSync(`/proc/${running?.supervisor.pid}/cgroup`, 'utf8').trim().split('\n');
    const of = (name: string) =>
      lines.find((line) => line.split(':')[1]?.replace('name=', '').split(',').includes(name));
    for (const controller of Object.keys(v1))
      t.ok(of(controller)?.endsWith(`/${shared}`), `${which}: ${controller}`);
    if (unified !== null) t.ok(of('')?.endsWith(`/${shared}/supervisors`), `${which}: unified`);
    container.signal(constants.signals.SIGKILL);
    await container.gone;
  }
});
