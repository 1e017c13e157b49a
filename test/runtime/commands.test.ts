import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { Bundle, type Config, runtimeProgram } from './bundle.js';

/** A change of one of the groups of members. */
const top = (member: object) => (config: Config) => void Object.assign(config, member);
const inProcess = (member: object) => (config: Config) => void Object.assign(config.process, member);
const inRoot = (member: object) => (config: Config) => void Object.assign(config.root, member);
const linux = (member: object) => (config: Config) => void Object.assign(config.linux, member);

const everyCapability = (config: Config) => {
  const names = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_SYS_ADMIN', 'CAP_SETUID', 'CAP_MKNOD'];
  config.process.capabilities = { bounding: names, effective: names, permitted: names };
};

t.test('the life of a container', unlessRoot, async (t) => {
  const bundle = new Bundle(t);
  const pidFile = path.join(bundle.folder, 'pid');
  const output = path.join(bundle.folder, 'out');
  bundle.write((config) => {
    config.process.args = ['sh', '-c', 'echo began > /began; while :; do sleep 1; done'];
    config.annotations = { 'org.example.key': 'value "quoted"' };
  });
  const began = path.join(bundle.rootfs, 'began');

  // The container gets the caller's own descriptors, and keeps them.
  const created = bundle.command(['create', '--pid-file', pidFile, 'one'], { stdio: 'ignore' });
  t.equal(created.status, 0);
  const state = bundle.state('one');
  t.match(state, {
    ociVersion: '1.1.0',
    id: 'one',
    status: 'created',
    bundle: bundle.folder,
    annotations: { 'org.example.key': 'value "quoted"' },
  });
  t.equal(String(state.pid), readFileSync(pidFile, 'utf8'));
  t.notOk(existsSync(began), 'the program waits');
  t.match(bundle.command(['create', 'one']).stderr, /container `one` already exists/);
  t.match(bundle.command(['delete', 'one']).stderr, /not stopped/);

  t.equal(bundle.command(['start', 'one']).status, 0);
  t.equal(bundle.state('one').status, 'running');
  await until(() => existsSync(began));
  t.match(bundle.command(['start', 'one']).stderr, /cannot be started: it is running/);

  t.equal(bundle.command(['pause', 'one']).status, 0);
  t.equal(bundle.state('one').status, 'paused');
  t.match(bundle.command(['pause', 'one']).stderr, /cannot be paused: it is paused/);
  t.equal(bundle.command(['resume', 'one']).status, 0);
  t.equal(bundle.state('one').status, 'running');

  const pids = JSON.parse(bundle.command(['ps', '--format', 'json', 'one']).stdout) as number[];
  t.ok(pids.includes(state.pid as number), 'ps lists the first process');
  const listed = JSON.parse(bundle.command(['list', '-f', 'json']).stdout) as { id: string }[];
  t.strictSame(
    listed.map(({ id }) => id),
    ['one'],
  );
  writeFileSync(output, JSON.stringify({ pids: { limit: 77 } }));
  t.equal(bundle.command(['update', `--resources=${output}`, 'one']).status, 0);
  t.match(bundle.command(['update', '--resources', '/dev/null', 'one']).status, 1);

  t.equal(bundle.command(['kill', 'one', '9']).status, 0);
  await until(() => bundle.state('one').status === 'stopped');
  t.notOk('pid' in bundle.state('one'));
  t.match(bundle.command(['kill', 'one', 'TERM']).stderr, /not running/);
  t.equal(bundle.command(['delete', 'one']).status, 0);
  t.match(bundle.command(['state', 'one']).stderr, /container `one` does not exist/);
  t.match(bundle.command(['delete', 'one']).stderr, /does not exist/);
  t.equal(bundle.command(['delete', '--force', 'one']).status, 0, 'as containerd does once more');
});

t.test('what callers tell apart', unlessRoot, async (t) => {
  const bundle = new Bundle(t);
  const log = path.join(bundle.folder, 'log.json');
  const refused = (change: (config: Config) => void) => {
    bundle.write(change);
    rmSync(log, { force: true });
    const { status, stderr } = bundle.command(['--log', log, '--log-format', 'json', 'create', 'x']);
    t.not(status, 0);
    t.strictSame(bundle.command(['list', '-q']).stdout, '', 'nothing is left');
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    const { level, msg } = JSON.parse(lines.at(-1) ?? '') as { level: string; msg: string };
    t.equal(level, 'error');
    t.ok(stderr.includes(msg), 'stderr says the same');
    return msg;
  };
  const args = (...words: string[]) => refused(inProcess({ args: words }));
  t.match(args('nosuch'), /executable file `nosuch` not found in \$PATH: No such file or directory/);
  t.match(args('/etc/passwd'), /permission denied/i);
  t.match(args('/tmp'), /permission denied/i, 'a folder');
  for (const [change, message] of [
    [linux({ intelRdt: {} }), /linux\.intelRdt: is not supported/],
    [linux({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/x' } }), /listenerPath/],
    [linux({ seccomp: { defaultAction: 'SCMP_ACT_FLY' } }), /defaultAction/],
    [linux({ cgroupsPath: '/a/../../b' }), /cgroupsPath/],
    [linux({ personality: { domain: 'PLAN9' } }), /personality\.domain/],
    [linux({ timeOffsets: { monotonic: { secs: 5 } } }), /timeOffsets/],
    [linux({ rootfsPropagation: 'everywhere' }), /rootfsPropagation/],
    [linux({ sysctl: { 'kernel.core_pattern': '|/x' } }), /sysctl/],
    [inProcess({ apparmorProfile: 'strict' }), /process\.apparmorProfile: is not supported/],
    [inProcess({ terminal: true }), /terminal: needs --console-socket/],
    [inRoot({ path: 'nowhere' }), /rootfs .*nowhere.*No such file/],
    [
      (config: Config) =>
        void config.mounts.push({ destination: '/m', source: '/nowhere', options: ['bind'] }),
      /volume \/nowhere: open_tree: No such file/,
    ],
    [
      top({ hooks: { createRuntime: [{ path: '/bin/false', args: ['false'] }] } }),
      /createRuntime hook \/bin\/false: ended with status 1/,
    ],
    [
      top({ hooks: { prestart: [{ path: '/bin/sleep', args: ['sleep', '60'], timeout: 1 }] } }),
      /prestart hook \/bin\/sleep: took too long/,
    ],
  ] as const)
    t.match(refused(change), message);
  for (const words of [
    ['start'],
    ['state'],
    ['kill'],
    ['delete'],
    ['create'],
    ['fly', 'x'],
    ['create', '../x'],
  ])
    t.not(bundle.command(words).status, 0, words.join(' '));
  t.match(bundle.command(['--systemd-cgroup', 'list']).stderr, /cgroupfs/);
  t.match(bundle.command(['--version']).stdout, /^berth-runtime version \d/);
  const features = JSON.parse(bundle.command(['features']).stdout) as { hooks: string[] };
  t.equal(features.hooks.length, 6);
});

t.test('what a config.json asks for', unlessRoot, async (t) => {
  const bundle = new Bundle(t);
  const said = (script: string, change?: (config: Config) => void) => {
    const { stdout, status, stderr } = bundle.sh(script, change);
    t.equal(status, 0, stderr);
    return stdout.trimEnd();
  };
  const user = (config: Config) => {
    config.process.user = { uid: 33, gid: 34, additionalGids: [35, 36], umask: 0o27 };
    config.process.noNewPrivileges = false;
  };
  t.match(
    said('id; umask; grep CapEff /proc/self/status', user),
    /uid=33.*gid=34.*35,36\n0027\nCapEff:\s0+$/s,
  );
  t.equal(
    said('cat /proc/self/oom_score_adj; ulimit -n; hostname; pwd', (config) => {
      config.process.oomScoreAdj = 321;
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
      config.hostname = 'somewhere';
      config.process.cwd = '/var/made';
    }),
    '321\n100\nsomewhere\n/var/made',
  );
  bundle.own(200_000);
  t.match(
    said('cat /proc/self/uid_map; touch /tmp/x && stat -c %u /tmp/x /dev', (config) => {
      config.linux.namespaces.push({ type: 'user' });
      const mapping = [{ containerID: 0, hostID: 200_000, size: 1000 }];
      Object.assign(config.linux, { uidMappings: mapping, gidMappings: mapping });
    }),
    /^\s+0\s+200000\s+1000\n0\n0$/,
  );
  bundle.own(0);
  t.match(said('touch /x; echo $?', inRoot({ readonly: true })), /Read-only.*\n1$/s);
  const share = path.join(bundle.folder, 'share');
  mkdirSync(share);
  writeFileSync(path.join(share, 'file'), 'shared');
  t.match(
    said(
      'cat /v/file /t/passwd | head -c 12; touch /v/new; dd if=/dev/zero of=/dev/null count=1 2>&1 | tail -1',
      (config) => {
        config.mounts.push({ destination: '/v', source: 'share', options: ['rbind', 'ro'] });
        config.mounts.push({ destination: '/etc', type: 'tmpfs', options: ['tmpcopyup', 'size=1m'] });
        config.mounts.push({ destination: '/t', source: `${bundle.rootfs}/etc`, options: ['bind'] });
      },
    ),
    /^sharedroot:x.*Read-only file system/s,
    'a source relative to the bundle, a copy of what the image has',
  );
  t.match(
    said('cat /masked/file; ls /masked; echo x > /kept/file; true', (config) => {
      for (const name of ['masked', 'kept']) {
        mkdirSync(path.join(bundle.rootfs, name), { recursive: true });
        writeFileSync(path.join(bundle.rootfs, name, 'file'), 'hidden');
      }
      Object.assign(config.linux, { maskedPaths: ['/masked', '/none'], readonlyPaths: ['/kept'] });
    }),
    /can't open '\/masked\/file'.*Read-only file system/s,
  );
  const filter = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
  };
  for (const noNewPrivileges of [true, false]) {
    t.match(
      said('mkdir /tmp/new; grep Seccomp: /proc/self/status', (config) => {
        config.linux.seccomp = filter;
        config.process.user = { uid: 33, gid: 33 };
        config.process.noNewPrivileges = noNewPrivileges;
      }),
      /No space left on device.*Seccomp:\s+2/s,
      `a filter, noNewPrivileges ${noNewPrivileges}`,
    );
  }
  t.match(said('uname -m', linux({ personality: { domain: 'LINUX32' } })), /i686/);
  t.equal(
    said('cut -d. -f1 /proc/uptime', (config) => {
      config.linux.namespaces.push({ type: 'time' });
      config.linux.timeOffsets = { boottime: { secs: 1_000_000_000 } };
    }).length,
    10,
    'a clock of its own',
  );
  const holder = spawn(
    'unshare',
    ['--net', '--uts', 'sh', '-c', 'hostname joined; echo ready; exec sleep 60'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  t.teardown(() => holder.kill('SIGKILL'));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  t.equal(
    said('hostname', (config) => {
      delete config.hostname;
      for (const namespace of config.linux.namespaces) {
        if (namespace.type === 'uts') namespace.path = `/proc/${holder.pid}/ns/uts`;
        if (namespace.type === 'network') namespace.path = `/proc/${holder.pid}/ns/net`;
      }
      config.mounts = config.mounts.filter(({ type }) => type !== 'sysfs' && type !== 'cgroup');
    }),
    'joined',
  );
  holder.kill('SIGKILL');
});

t.test('hooks, in their order and where they belong', unlessRoot, async (t) => {
  const bundle = new Bundle(t);
  const log = path.join(bundle.folder, 'hooks.log');
  const hook = (moment: string) => ({
    path: '/bin/sh',
    args: ['sh', '-c', `echo "${moment} $(cat) $(readlink /proc/self/ns/mnt) $X" >> ${log}`],
    env: [`X=${moment}`, 'PATH=/bin'],
  });
  const inside = { path: '/bin/sh', args: ['sh', '-c', 'cat > /started'], env: ['PATH=/bin'] };
  bundle.write((config) => {
    config.process.args = ['true'];
    config.hooks = {
      prestart: [hook('prestart')],
      createRuntime: [hook('createRuntime')],
      createContainer: [hook('createContainer')],
      startContainer: [inside],
      poststart: [hook('poststart')],
      poststop: [hook('poststop')],
    };
  });
  t.equal(bundle.command(['run', 'hooked']).status, 0);
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  t.strictSame(
    lines.map((line) => line.split(' ')[0]),
    ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'],
  );
  const states = lines.map((line) => JSON.parse(/\{.*\}/.exec(line)?.[0] ?? '') as { status: string });
  t.match(states[0], { status: 'creating', id: 'hooked', bundle: bundle.folder, pid: Number });
  t.match(states.at(-1), { status: 'stopped' });
  const namespaces = lines.map((line) => /mnt:\[\d+\]/.exec(line)?.[0]);
  t.equal(namespaces[0], namespaces[3], 'in the namespaces of the runtime');
  t.not(namespaces[2], namespaces[0], 'in those of the container');
  t.match(JSON.parse(readFileSync(path.join(bundle.rootfs, 'started'), 'utf8')), { status: 'created' });
});

t.test(
  'hostile root file systems, against a folder of the host that must not change',
  unlessRoot,
  async (t) => {
    const bundle = new Bundle(t);
    const canary = path.join(bundle.folder, 'canary');
    mkdirSync(canary);
    writeFileSync(path.join(canary, 'null'), 'of the host');
    const untouched = (why: string) => {
      t.strictSame(readdirSync(canary), ['null'], why);
      t.equal(readFileSync(path.join(canary, 'null'), 'utf8'), 'of the host', why);
    };
    const replace = (name: string, link: string) => {
      rmSync(path.join(bundle.rootfs, name), { recursive: true, force: true });
      symlinkSync(link, path.join(bundle.rootfs, name));
    };
    for (const name of ['proc', 'sys']) {
      for (const link of [canary, `../../../..${canary}`]) {
        replace(name, link);
        const { status, stderr } = bundle.sh('true', everyCapability);
        t.not(status, 0, `${name} -> ${link}`);
        t.match(stderr, new RegExp(`mount /${name}`));
        untouched(`${name} -> ${link}`);
      }
      rmSync(path.join(bundle.rootfs, name));
      mkdirSync(path.join(bundle.rootfs, name));
    }
    // Without a tmpfs of its own, what berth makes in /dev is made in the image's: never through its links.
    const bare = (config: Config) => {
      everyCapability(config);
      config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
    };
    replace('dev', canary);
    bundle.sh('true', everyCapability);
    bundle.sh('true', bare);
    untouched('/dev (CVE-2026-41579)');
    rmSync(path.join(bundle.rootfs, 'dev'));
    mkdirSync(path.join(bundle.rootfs, 'dev'));
    replace('dev/null', path.join(canary, 'null'));
    t.match(bundle.sh('true', bare).stderr, /device \/dev\/null/, '/dev/null (CVE-2026-88265)');
    rmSync(path.join(bundle.rootfs, 'dev/null'));
    replace('dev/console', path.join(canary, 'made'));
    bundle.sh('true', bare);
    untouched('/dev/console (CVE-2026-88264)');

    replace('through', canary);
    const inside = bundle.sh('mount | grep -c through; ls /through', (config) => {
      everyCapability(config);
      config.mounts.push({ destination: '/through/mounted', type: 'tmpfs', options: ['size=64k'] });
      Object.assign(config.linux, { maskedPaths: ['/through/null'], readonlyPaths: ['/through'] });
    });
    t.equal(inside.status, 0, inside.stderr);
    untouched('a mount through a link');

    // A link that comes and goes while mounts are made (CVE-2021-30465, CVE-2024-45310).
    const racer = spawn('sh', [
      '-c',
      `cd '${bundle.rootfs}' && mkdir -p race && while :; do mv race aside; ln -s '${canary}' race; rm race; mv aside race; done`,
    ]);
    t.teardown(() => racer.kill('SIGKILL'));
    for (let round = 0; round < 8; ++round) {
      bundle.sh('true', (config) => {
        for (let i = 0; i < 8; ++i)
          config.mounts.push({ destination: `/race/${i}/deep`, type: 'tmpfs', options: ['size=64k'] });
      });
    }
    racer.kill('SIGKILL');
    untouched('a race of links');
  },
);

t.test('the death of whoever creates leaves nothing that delete does not find', unlessRoot, async (t) => {
  const bundle = new Bundle(t);
  // It goes on for as long as this file is there.
  const hold = path.join(bundle.folder, 'hold');
  writeFileSync(hold, '');
  bundle.write((config) => {
    config.process.args = ['sleep', '1000'];
    const args = ['sh', '-c', `while [ -e '${hold}' ]; do sleep 0.05; done`];
    config.hooks = { createRuntime: [{ path: '/bin/sh', args }] };
  });
  const creator = spawn(runtimeProgram, ['--root', bundle.root, 'create', '-b', bundle.folder, 'cut'], {
    stdio: 'ignore',
  });
  await until(() => existsSync(path.join(bundle.root, 'cut', 'start.sock')));
  t.equal(bundle.state('cut').status, 'creating');
  creator.kill('SIGKILL');
  await until(() => bundle.state('cut').status === 'stopped');
  t.equal(bundle.command(['delete', '--force', 'cut']).status, 0);
});
