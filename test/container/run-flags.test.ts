import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { Stage, unlessRoot } from './stage.js';

/** What the flags of `berth run` come to, as the program inside sees it: few containers, many flags each. */
t.test('flags, seen from inside', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const image = await stage.makeImage(
    [
      { name: 'data/', mode: 0o755 },
      { name: 'data/seed', content: 'seed\n' },
      { name: 'secret', content: 'secret\n' },
      { name: 'away', type: 'symlink', link: '/secret' },
    ],
    { Entrypoint: ['sh', '-c'], Cmd: ['echo image'], Labels: { from: 'image', both: 'image' } },
  );
  const { reference } = image;
  /** What a shell script printed in a container with these flags, as lines. */
  const inside = (flags: string[], script: string): string[] => {
    const ran = stage.berth('run', '--rm', ...flags, reference, `exec 2>&1; ${script}`);
    t.match(ran, { stderr: '' }, flags.join(' '));
    return ran.stdout.trimEnd().split('\n');
  };

  t.test('identity, process, limits and settings at once', async (t) => {
    const envFile = path.join(stage.folder, 'env');
    writeFileSync(envFile, 'A=file\nB=file\n');
    const idFile = path.join(stage.folder, 'cid');
    const flags = [
      ...['--env-file', envFile, '-e', 'B=flag', '--hostname', 'web', '--domainname', 'example.org'],
      ...['--umask', '0027', '--group-add', 'audio', '--group-add', '4321', '-w', '/new/place'],
      ...['--ulimit', 'nofile=100:200', '--ulimit', 'core=0', '--shm-size', '2m'],
      ...['--sysctl', 'net.ipv4.ip_forward=1'],
      ...['--tmpfs', '/run:size=8m,uid=33,mode=700', '--tmpfs', '/ex:exec', '--cidfile', idFile],
    ];
    const script = [
      'echo $A $B $(hostname) $(cat /proc/sys/kernel/domainname)',
      'touch /tmp/made; stat -c %a /tmp/made; id -G; pwd; stat -c "%a %u" .',
      'echo $(ulimit -Sn) $(ulimit -Hn) $(ulimit -c)',
      'cat /proc/sys/net/ipv4/ip_forward',
      'stat -c "%a %u" /run; df -k /run /dev/shm | tail -n +2 | while read a size b; do echo $size; done',
      'cp /bin/busybox /run/b; cp /bin/busybox /ex/echo; /run/b true; echo $?; /ex/echo runs',
    ].join('; ');
    t.strictSame(inside(flags, script), [
      'file flag web example.org',
      '640',
      '0 29 4321',
      '/new/place',
      '755 0',
      '100 200 0',
      '1',
      '700 33',
      '8192',
      '2048',
      'sh: /run/b: Permission denied',
      '126',
      'runs',
    ]);
    t.match(readFileSync(idFile, 'utf8'), /^[0-9a-f]{12}$/);
    const again = stage.berth('run', '--rm', '--cidfile', idFile, reference, 'true');
    t.match(again, { status: 125, stderr: /^berth: --cidfile .*: there is such a file already\n/ });
    const other = path.join(stage.folder, 'cid-of-none');
    t.equal(
      stage.berth('run', '--rm', '--cidfile', other, '--entrypoint', '', reference, 'none').status,
      127,
    );
    t.notOk(existsSync(other), 'no container, no file');
  });

  t.test('settings of the IPC namespace: to root of the host alone before Linux 6.9', async (t) => {
    const own = stage.berth(
      'run',
      '--rm',
      '--sysctl',
      'kernel.msgmax=9000',
      reference,
      'cat /proc/sys/kernel/msgmax',
    );
    if (own.status === 0) t.equal(own.stdout, '9000\n');
    else t.match(own.stderr, /^berth: --sysctl kernel\.msgmax: this kernel .*\nRun with --userns host\.\n$/);
    const host = ['run', '--rm', '--userns', 'host', '--sysctl', 'kernel.msgmax=9000'];
    t.equal(
      stage.berth(host[0] ?? '', ...host.slice(1), reference, 'cat /proc/sys/kernel/msgmax').stdout,
      '9000\n',
    );
  });

  t.test('--entrypoint replaces, or takes away, entry point and command', async (t) => {
    t.equal(stage.berth('run', '--rm', reference).stdout, 'image\n');
    t.equal(stage.berth('run', '--rm', '--entrypoint', 'echo', reference, 'mine').stdout, 'mine\n');
    t.equal(stage.berth('run', '--rm', '--entrypoint', '', reference, 'echo', 'bare').stdout, 'bare\n');
    t.match(stage.berth('run', '--rm', '--entrypoint', '', reference), {
      status: 125,
      stderr: /--entrypoint takes the image's command away/,
    });
  });

  t.test(
    '--init: a first process that collects, passes signals on, and ends as the program does',
    async (t) => {
      t.strictSame(
        inside(
          ['--init'],
          'echo $$; (sh -c "echo \\$\\$ >/tmp/pid; exec sleep 0.1" &); until test -s /tmp/pid; do :; done; i=0; while test -d /proc/$(cat /tmp/pid) && test $i -lt 600; do i=$((i+1)); sleep 0.05; done; test $i -lt 600 && echo collected; tr "\\0" " " </proc/1/cmdline | sed "s/ *$//"; grep -E "^(CapEff|NoNewPrivs):" /proc/1/status; ls /proc/1/fd',
        ),
        [
          '2',
          'collected',
          'berth-initCapEff:\t00000000800405fb',
          'NoNewPrivs:\t1',
          "ls: can't open '/proc/1/fd': Permission denied",
        ],
      );
      t.equal(stage.berth('run', '--rm', '--init', reference, 'exit 7').status, 7);
      t.equal(stage.berth('run', '--rm', '--init', reference, 'kill -KILL $$').status, 137);
      t.equal(stage.berth('run', '--rm', '--init', '--entrypoint', '', reference, 'nonesuch').status, 127);
      const container = await stage.start(
        ['trap "exit 9" USR1; while :; do sleep 0.05; done'],
        { init: true },
        image,
      );
      // Until the trap is set the signal would end the shell: the first process catches nothing itself.
      const caught = () => /^SigCgt:\t\w*[2367abef]\w\w$/m.test(statusOfChild(container.pid));
      while (!caught()) await new Promise((resolve) => setTimeout(resolve, 20));
      container.signal(10);
      t.match(await container.ended, { status: 9, signal: null });
    },
  );

  t.test('devices: the node, who may use it, and how', async (t) => {
    mkdirSync(path.join(stage.folder, 'folder'));
    const script =
      'stat -c "%t %T" /dev/mine; head -c1 /dev/mine | wc -c; echo x >/dev/mine; stat -c "%t %T" /dev/group/null; mknod /tmp/kmsg c 1 11; head -c0 /tmp/kmsg && echo open';
    const more = [
      '--device',
      '/dev/zero:/dev/mine:r',
      '--device',
      '/dev/null:/dev/group/null',
      '--cap-add',
      'MKNOD',
    ];
    const output = inside(more, script);
    t.strictSame(output.slice(0, 2), ['1 5', '1']);
    t.match(output.join('\n'), /mknod: \/tmp\/kmsg: Operation not permitted/);
    for (const [device, why] of [
      ['/dev/none', 'the host has no such device'],
      ['/etc/passwd', 'it is no device'],
      [path.join(stage.folder, 'folder'), 'there is no device in that folder'],
    ]) {
      const ran = stage.berth('run', '--rm', '--device', device ?? '', reference, 'true');
      t.match(ran, { status: 125, stderr: `berth: --device ${device}: ${why}\n` });
    }
  });

  t.test('--security-opt: hidden paths, system calls, new privileges', async (t) => {
    const status = 'grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status | cut -f2';
    t.strictSame(inside([], status), ['1', '2']);
    t.strictSame(
      inside(
        ['--security-opt', 'seccomp=unconfined', '--security-opt', 'no-new-privileges=false'],
        `${status}; grep -q " /proc/sys " /proc/self/mountinfo && echo kept`,
      ),
      ['0', '0', 'kept'],
    );
    // Docker's default: the filter is still there, and what it took to set it is gone.
    const capabilities = 'grep -E "^Cap(Eff|Prm|Bnd):" /proc/self/status';
    const gaining = ['--security-opt', 'no-new-privileges=false'];
    const usual = inside([], capabilities);
    for (const flags of [[], ['--init'], ['-u', '33'], ['--cap-drop', 'ALL']]) {
      const [gains, filters, ...held] = inside([...gaining, ...flags], `${status}; ${capabilities}`);
      t.strictSame([gains, filters], ['0', '2'], flags.join(' '));
      t.strictSame(held, flags[0] === '-u' || flags.length === 2 ? inside(flags, capabilities) : usual);
    }
    const profile = path.join(stage.folder, 'profile.json');
    writeFileSync(
      profile,
      JSON.stringify({
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
      }),
    );
    t.strictSame(inside(['--security-opt', `seccomp=${profile}`], 'mkdir /x'), [
      "mkdir: can't create directory '/x': No space left on device",
    ]);
    const covered = 'cat /secret; ls /data; mount | grep -c " /proc/sys .*ro,"';
    t.strictSame(inside(['--security-opt', 'mask=/away:/data:/nowhere/x:/secret/x'], covered), ['1']);
    t.strictSame(inside(['--security-opt', 'unmask=/proc/sys'], covered), ['secret', 'seed', '0']);
    t.strictSame(
      inside(
        ['--security-opt', 'systempaths=unconfined'],
        'grep -cE " /(proc|sys/firmware)" /proc/self/mountinfo',
      ),
      ['1'],
      'proc itself',
    );
  });

  t.test('--privileged is the host, unless it has ids of its own', async (t) => {
    const script =
      'grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status | cut -f2; wc -l </proc/self/uid_map; cut -c1-21 /proc/self/uid_map; test -e /dev/kmsg && echo kmsg; grep -q " /proc/" /proc/self/mountinfo || echo bare';
    t.strictSame(inside(['--privileged'], script), [
      ...['0', '0', '1', '         0          0'],
      ...(existsSync('/dev/kmsg') ? ['kmsg'] : []),
      'bare',
    ]);
    const own = inside(['--privileged', '--userns', 'auto'], script);
    t.strictSame(own.slice(0, 3), ['0', '0', '1']);
    t.notOk(own.includes('kmsg') || !own.includes('bare') || own[3] === '         0          0');
  });

  t.test('what cannot be is said in one line', async (t) => {
    const file = path.join(stage.folder, 'file');
    writeFileSync(file, '');
    const cases: [string[], number, RegExp][] = [
      [
        ['-v', `${file}:/data`],
        125,
        /^berth: volume at \/data: image .* has a folder there, and its source is a file\nName the file/,
      ],
      [['--group-add', 'nosuch'], 125, /^berth: user nosuch: image .* has no such user or group\n/],
      [
        ['--sysctl', 'net.core.nosuch=1'],
        125,
        /^berth: --sysctl net\.core\.nosuch: this kernel has no such setting\n/,
      ],
      [['--ulimit', 'nofile=2000000000'], 125, /^berth: --ulimit nofile: /],
    ];
    for (const [flags, status, stderr] of cases)
      t.match(
        stage.berth('run', '--rm', ...flags, reference, 'true'),
        { status, stdout: '', stderr },
        flags.join(' '),
      );
  });

  t.test('arguments and variables up to what the kernel takes', async (t) => {
    const long = 'x'.repeat(131_071 - 'V='.length);
    const env = Array.from({ length: 12 }, (_, index) => `V${index}=${long.slice(0, 120_000)}`);
    t.equal(
      (await stage.run(['printf %s "$V" | wc -c'], { env: [`V=${long}`, ...env] }, image)).stdout.trim(),
      '131069',
    );
    for (const bad of [[`V=${long}xx`], [...env, ...env.map((each) => `X${each}`)]]) {
      await t.rejects(stage.run(['true'], { env: bad }, image), {
        code: 'LAUNCH_FAILED',
        why: /arguments and variables are too long/,
      });
    }
  });

  t.test('--rootfs, --platform, --pull and --timings', async (t) => {
    const tree = path.join(stage.folder, 'tree');
    t.equal(stage.berth('image unpack', reference, tree).status, 0);
    const ran = stage.berth(
      'run',
      '--rm',
      '--timings',
      '--rootfs',
      tree,
      'sh',
      '-c',
      'touch /made; cat /secret',
    );
    t.match(ran, { status: 0, stdout: 'secret\n', stderr: / ms {2}task {7}exec / });
    t.notOk(existsSync(path.join(tree, 'made')), 'what is written goes elsewhere');
    t.equal(
      stage.berth('run', '--rm', '--platform', 'linux/x86_64', '--pull', 'never', reference).stdout,
      'image\n',
    );
    t.match(stage.berth('run', '--rm', '--platform', 'linux/arm64', reference), {
      status: 125,
      stderr: /^berth: image .*: it is for linux\/amd64, not for linux\/arm64\n/,
    });
    t.match(stage.berth('run', '--pull', 'always', '127.0.0.1:1/busybox'), {
      status: 125,
      stderr: /nothing listens there/,
    });
  });

  t.test('labels, stop signal and stop time are kept', async (t) => {
    const started = stage.berth(
      'run',
      ...['-d', '--name', 'kept', '-l', 'both=flag', '--annotation', 'note=1', '--stop-signal', 'RTMIN+3'],
      ...['--stop-timeout', '60', reference, 'trap "exit 5" 37; : >/ready; while :; do sleep 0.05; done'],
    );
    const id = started.stdout.trim();
    const known = JSON.parse(stage.berth('inspect', 'kept', '--json').stdout) as Record<string, unknown>;
    t.match(known, { labels: { from: 'image', both: 'flag' }, stop_signal: 'RTMIN+3', stop_timeout: 60 });
    t.match(JSON.parse(readFileSync(path.join(stage.roots.state, 'containers', id, 'config.json'), 'utf8')), {
      annotations: { note: '1' },
    });
    const ready = path.join(stage.roots.root, 'containers', id, 'upper', 'ready');
    while (!existsSync(ready)) await new Promise((resolve) => setTimeout(resolve, 20));
    t.equal(stage.berth('stop', 'kept').status, 0);
    t.equal(stage.berth('wait', 'kept').stdout, '5\n');
    stage.berth('rm', 'kept');
  });

  t.test('an id that nobody was told of is of no container', async (t) => {
    const [program = '', ...words] = stage.command('run', ['-d', reference, 'sleep 60']);
    const { spawnSync } = await import('node:child_process');
    const ran = spawnSync('sh', ['-c', 'exec "$@" >/dev/full', 'sh', program, ...words], {
      encoding: 'utf8',
    });
    t.match(ran, { status: 125, stderr: /^berth: [^\n]*no space/i });
    t.equal(stage.berth('ps', '-a', '-q').stdout, '');
  });
});

function statusOfChild(pid: number): string {
  const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return child === '' ? '' : readFileSync(`/proc/${child}/status`, 'utf8');
}
