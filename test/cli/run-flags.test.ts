import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import t from 'tap';
import { containerOptions, declareRunFlags } from '../../src/cli/run-flags/index.js';
import { type DescribeFacts, describeConfig } from '../../src/containerizer/container/describe/config.js';
import { type ContainerOptions, defaultOptions } from '../../src/containerizer/container/options.js';
import { signalNumber } from '../../src/containerizer/container/signals.js';
import type { RuntimeConfig } from '../../src/oci-spec/runtime.js';

const folder = mkdtempSync('/tmp/berth-test-');
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(path.join(folder, name), content);
  return path.join(folder, name);
}

async function parse(...args: string[]): Promise<ContainerOptions> {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  declareRunFlags(command);
  command.argument('[command...]').parse(args, { from: 'user' });
  return containerOptions(command.opts(), command.args);
}

async function describe(args: string[], facts: Partial<DescribeFacts> = {}): Promise<RuntimeConfig> {
  const options = await parse(...args);
  return describeConfig({
    id: 'abcdef012345',
    options: { ...options, command: ['true'] },
    image: { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } },
    idRange: { first: 1_000_000, size: 65536 },
    cgroup: {
      ...{ layout: 'unified', unified: '/cg/x', supervisors: '/cg/s', unifiedControls: true },
      ...{ v1: {}, scope: null },
    },
    nameService: [],
    networkSettings: {},
    resources: { devices: [] },
    volumes: options.volumes,
    ...facts,
  });
}

const mountOf = (config: RuntimeConfig, at: string) =>
  config.mounts.find(({ destination }) => destination === at);

t.test('no flag: the defaults and nothing else', async (t) => {
  t.strictSame(await parse('a', 'b'), { ...defaultOptions, command: ['a', 'b'] });
});

t.test('what flags say, as options', async (t) => {
  const labels = file('labels', 'a=file\nb=file\n');
  const cases: [string[], Partial<ContainerOptions>][] = [
    [['--entrypoint', 'x'], { entrypoint: ['x'] }],
    [['--entrypoint', ''], { entrypoint: [] }],
    [['-u', ''], {}],
    [['-h', 'web', '--domainname', 'example.org'], { hostname: 'web', domainname: 'example.org' }],
    [['--label-file', labels, '-l', 'b=flag', '--label', 'c'], { labels: { a: 'file', b: 'flag', c: '' } }],
    [['--annotation', 'k=v=w'], { annotations: { k: 'v=w' } }],
    [['--group-add', 'audio', '--group-add', '77'], { groups: ['audio', '77'] }],
    [['--umask', '0027'], { umask: 0o27 }],
    [
      ['--stop-signal', 'SIGRTMIN+3', '--stop-timeout', '2.5'],
      { stopSignal: 'SIGRTMIN+3', stopTimeout: 2.5 },
    ],
    [
      ['--ulimit', 'nofile=1:2', '--ulimit', 'core=-1'],
      {
        ulimits: [
          { name: 'nofile', soft: 1, hard: 2 },
          { name: 'core', soft: null, hard: null },
        ],
      },
    ],
    [['--device', '/dev/x'], { devices: [{ source: '/dev/x', target: '/dev/x', access: 'rwm' }] }],
    [['--device', '/dev/x:r'], { devices: [{ source: '/dev/x', target: '/dev/x', access: 'r' }] }],
    [['--device', '/dev/x:/dev/y'], { devices: [{ source: '/dev/x', target: '/dev/y', access: 'rwm' }] }],
    [['--device', '/dev/x:/dev/y:rw'], { devices: [{ source: '/dev/x', target: '/dev/y', access: 'rw' }] }],
    [['--device-cgroup-rule', 'c 1:* rw'], { deviceRules: [{ type: 'c', major: 1, access: 'rw' }] }],
    [['--sysctl', 'net.core.somaxconn=9'], { sysctls: { 'net.core.somaxconn': '9' } }],
    [
      ['--pid', 'host', '--uts', 'host', '--cgroupns', 'host'],
      { pid: 'host', uts: 'host', cgroupns: 'host' },
    ],
    [['--ipc', 'container:web'], { ipc: { container: 'web' } }],
    [['--privileged'], { privileged: true, userns: 'host' }],
    [['--privileged', '--userns', 'auto'], { privileged: true, userns: 'auto' }],
    [['--security-opt', 'no-new-privileges'], { noNewPrivileges: true }],
    [['--security-opt', 'no-new-privileges:false'], { noNewPrivileges: false }],
    [['--security-opt', 'seccomp=unconfined', '--security-opt', 'label=disable'], { seccomp: 'unconfined' }],
    [['--security-opt', 'mask=/a:/b', '--security-opt', 'unmask=/c'], { mask: ['/a', '/b'], unmask: ['/c'] }],
    [['--security-opt', 'systempaths=unconfined'], { unmask: 'all' }],
    [['--volumes-from', 'a:ro'], { volumesFrom: [{ container: 'a', readonly: true }] }],
    [
      ['-v', 'data:/data:nocopy,z'],
      {
        namedVolumes: [{ name: 'data', target: '/data', readonly: false, copy: false }],
      },
    ],
    [['-v', '/data/'], { namedVolumes: [{ name: null, target: '/data', readonly: false, copy: true }] }],
    [
      ['--mount', 'src=data,dst=/data,ro'],
      {
        namedVolumes: [{ name: 'data', target: '/data', readonly: true, copy: true }],
      },
    ],
    [
      [
        '--mount',
        'type=bind,"source=/a,b",destination=/x,readonly=1,bind-propagation=rslave,bind-recursive=enabled',
      ],
      {
        volumes: [
          {
            source: '/a,b',
            target: '/x',
            readonly: true,
            recursive: true,
            idmap: true,
            propagation: 'slave',
          },
        ],
      },
    ],
    [
      ['--mount', 'type=tmpfs,target=/x,tmpfs-size=64k,tmpfs-mode=1770,ro=true'],
      {
        tmpfs: [{ target: '/x', options: ['ro', 'size=65536', 'mode=1770'] }],
      },
    ],
    [['--tmpfs', '/x:rw,exec,size=50%'], { tmpfs: [{ target: '/x', options: ['rw', 'exec', 'size=50%'] }] }],
  ];
  for (const [args, expected] of cases)
    t.strictSame(await parse(...args), { ...defaultOptions, command: [], ...expected }, args.join(' '));
});

t.test('what flags cannot say is refused with the reason', async (t) => {
  const cases: [string[], RegExp][] = [
    [['--umask', '8'], /octal/],
    [['--group-add', 'a:b'], /a group/],
    [['--stop-signal', 'SIGRTMIN+31'], /kill -l/],
    [['--ulimit', 'nofile'], /NAME=SOFT/],
    [['--ulimit', 'files=1'], /files is no limit: core, cpu/],
    [['--ulimit', 'nofile=3:2'], /cannot be above the hard/],
    [['--ulimit', 'nofile=-1:2'], /cannot be above the hard/],
    [['--ulimit', 'nofile=x'], /x is no limit/],
    [['--device', 'dev/x'], /\/PATH/],
    [['--device', '/dev/x:/dev/y:rr'], /\/PATH/],
    [['--device-cgroup-rule', 'c 1:3 x'], /MAJOR:MINOR/],
    [['--pid', 'container:'], /private, host, container:ID/],
    [['--uts', 'container:'], /private, host, container:ID/],
    [['--cgroupns', 'container:x'], /private, host/],
    [['--security-opt', 'no-such=1'], /is no option/],
    [['--security-opt', 'apparmor=docker-default'], /AppArmor profiles/],
    [['--security-opt', 'label=type:x'], /SELinux labels/],
    [['--security-opt', 'mask=etc'], /mask cannot be etc/],
    [['-v', 'a:/b:ro:x'], /SOURCE:TARGET/],
    [['-v', 'a:/b:rslave'], /ro, rw and nocopy/],
    [['-v', '/a:/b:nocopy'], /nocopy is for volumes/],
    [['-v', 'relative'], /absolute path/],
    [['-v', ':/x'], /empty source/],
    [['--mount', 'type=moon,dst=/x'], /moon is no type/],
    [['--mount', 'type=bind,dst=/x'], /needs source/],
    [['--mount', 'type=tmpfs,src=/a,dst=/x'], /no source/],
    [['--mount', 'type=bind,src=/a,dst=/x,tmpfs-size=1m'], /tmpfs-size is no key/],
    [['--mount', 'type=bind,src=/a,dst=/x,src=/b'], /source is given twice/],
    [['--mount', 'type=bind,src=/a,dst=/x,readonly=maybe'], /true or false/],
    [['--mount', 'type=bind,src=/a,dst=/x,bind-propagation=up'], /no propagation/],
    [['--mount', 'src=/a,dst=/x'], /takes type=bind/],
    [['--mount', 'type=bind,src=/a'], /target=PATH/],
    [['--mount', ''], /KEY=VALUE/],
    [['--tmpfs', '/proc/x'], /cannot lie in \/proc/],
    [['--tmpfs', '/x:uid=root'], /no option of a tmpfs/],
    [['--tmpfs', '/x:huge=always'], /no option of a tmpfs/],
    [['--label', '=x'], /KEY=VALUE/],
    [['--label-file', `${folder}/none`], /none: there is no such file/],
    [['--env-file', '/nowhere/env'], /^--env-file \/nowhere\/env: there is no such file/],
    [['--env-file', '/'], /^--env-file \/: it is a folder/],
    [['--security-opt', 'seccomp=/nowhere'], /seccomp=\/nowhere: there is no such file/],
    [['--env-file', file('bad-env', '# fine\nA=1\nB C=2\n')], /bad-env, line 3: a name has no blanks/],
    [['--env-file', file('bad-name', 'A=1\n=2\n')], /bad-name, line 2: no name/],
    [['--env-file', file('bad-text', new Uint8Array([65, 61, 0xff]))], /no UTF-8/],
    [['--security-opt', `seccomp=${file('none.json', '{')}`], /not valid JSON/],
    [
      ['--security-opt', `seccomp=${file('bad.json', '{"defaultAction":"SCMP_ACT_NOTIFY"}')}`],
      /defaultAction is not/,
    ],
    [
      [
        '--security-opt',
        `seccomp=${file('big.json', '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ERRNO","names":["x"],"args":[{"index":0,"op":"SCMP_CMP_EQ","value":18446744073709551615}]}]}')}`,
      ],
      /syscalls\[0\]\.args\[0\]\.value is not an integer/,
    ],
  ];
  for (const [args, message] of cases) await t.rejects(parse(...args), { message }, args.join(' '));
});

t.test('variables: files first, then flags; NAME alone is taken from here', async (t) => {
  process.env.BERTH_TEST_HERE = 'here';
  t.teardown(() => delete process.env.BERTH_TEST_HERE);
  const variables = file(
    'env',
    '\uFEFF# comment\n\n  A = spaces kept \r\nB="quotes kept"\nBERTH_TEST_HERE\nBERTH_TEST_NOT_HERE\nE=\n',
  );
  await t.rejects(parse('--env-file', variables), { message: /line 3/ });
  const good = file(
    'env',
    '\uFEFF# comment\n\n  A= spaces kept \r\nB="quotes kept"\nBERTH_TEST_HERE\nBERTH_TEST_NOT_HERE\nE=\n',
  );
  t.strictSame(
    (await parse('-e', 'B=flag', '--env-file', good, '-e', 'BERTH_TEST_HERE', '-e', 'NOT_HERE_EITHER')).env,
    ['A= spaces kept ', 'B="quotes kept"', 'BERTH_TEST_HERE=here', 'E=', 'B=flag', 'BERTH_TEST_HERE=here'],
  );
});

t.test('signals, as glibc numbers them', async (t) => {
  const cases: [string, number | undefined][] = [
    ['TERM', 15],
    ['sigterm', 15],
    ['9', 9],
    ['0', undefined],
    ['65', undefined],
    ['SIGRTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['rtmax-1', 63],
    ['SIGRTMAX-31', undefined],
    ['RTMIN-1', undefined],
    ['toString', undefined],
  ];
  for (const [text, number] of cases) t.equal(signalNumber(text), number, text);
});

t.test('mounts: a place is asked for once, folders come before what lies in them', async (t) => {
  const config = await describe([
    '-v',
    '/src:/a/b/c',
    '-v',
    '/src:/a',
    '--tmpfs',
    '/a/b:uid=5,gid=6',
    '--tmpfs',
    '/dev/shm',
  ]);
  t.strictSame(
    config.mounts.slice(-4).map(({ destination }) => destination),
    ['/a', '/a/b', '/dev/shm', '/a/b/c'],
  );
  t.strictSame(mountOf(config, '/a/b')?.options, ['nosuid', 'nodev', 'noexec', 'uid=1000005', 'gid=1000006']);
  t.equal(config.mounts.filter(({ destination }) => destination === '/dev/shm').length, 1);
  await t.rejects(describe(['-v', '/x:/a', '--tmpfs', '/a']), { message: /volume at \/a: two/ });
  await t.rejects(describe(['--tmpfs', '/a:uid=65536']), { message: /ids 0 to 65535/ });
  t.strictSame(mountOf(await describe(['--shm-size', '1m']), '/dev/shm')?.options.at(-1), 'size=1024k');
  t.equal(mountOf(await describe(['--ipc', 'none']), '/dev/shm'), undefined);
});

t.test('namespaces: what is shared is not listed, what is joined has a path', async (t) => {
  const kinds = (config: RuntimeConfig) =>
    config.linux.namespaces.map(({ type, path: at }) => (at === undefined ? type : `${type}:${at}`)).sort();
  t.strictSame(kinds(await describe([])), ['cgroup', 'ipc', 'mount', 'network', 'pid', 'user', 'uts']);
  t.strictSame(
    kinds(
      await describe([
        '--pid',
        'host',
        '--ipc',
        'host',
        '--uts',
        'host',
        '--cgroupns',
        'host',
        '--network',
        'host',
      ]),
    ),
    ['mount', 'user'],
  );
  const peers = { web: { id: 'w', pid: 77, startTime: 1 } };
  t.strictSame(kinds(await describe(['--pid', 'container:web', '--ipc', 'container:web'], { peers })), [
    'cgroup',
    'ipc:/proc/77/ns/ipc',
    'mount',
    'network',
    'pid:/proc/77/ns/pid',
    'user',
    'uts',
  ]);
  const shared = await describe(['--pid', 'host', '--ipc', 'host', '--cgroupns', 'host'], {
    hostQueues: true,
  });
  for (const place of ['/proc', '/dev/shm', '/dev/mqueue', '/sys/fs/cgroup'])
    t.match(
      mountOf(shared, place),
      { type: 'bind', source: place },
      `${place} of the host, seen from other ids`,
    );
  t.equal((await describe(['--uts', 'host'], { hostHostname: 'node7' })).process.env[1], 'HOSTNAME=node7');
});

t.test('settings of the kernel: only those of namespaces that the container has to itself', async (t) => {
  const config = await describe([
    ...['--sysctl', 'kernel.shm_rmid_forced=1', '--sysctl', 'fs.mqueue.msg_max=20'],
    ...['--sysctl', 'net/ipv4/conf/eth0.1/forwarding=1'],
  ]);
  t.strictSame(config.linux.sysctl, {
    'kernel/shm_rmid_forced': '1',
    'fs/mqueue/msg_max': '20',
    'net/ipv4/conf/eth0.1/forwarding': '1',
  });
  for (const name of [
    'kernel.core_pattern',
    'kernel/../kernel/core_pattern',
    'net/../kernel/core_pattern',
    'net..ipv4',
    'net.ipv4.+x',
    'vm.overcommit_memory',
    'kernel.shm',
    'fs.mqueue.',
  ])
    await t.rejects(
      describe(['--sysctl', `${name}=1`]),
      { message: /no setting that a container has/ },
      name,
    );
  const shared: [string[], string][] = [
    [['--network', 'host'], 'net.core.somaxconn'],
    [['--ipc', 'host'], 'kernel.msgmax'],
    [['--uts', 'host'], 'kernel.domainname'],
  ];
  for (const [flags, name] of shared)
    await t.rejects(
      describe([...flags, '--sysctl', `${name}=1`]),
      { message: /of the host or of another/ },
      name,
    );
});

t.test('--privileged: everything, with the ids of the host; with its own, nothing of the host', async (t) => {
  const whole = await describe(['--privileged'], {
    idRange: null,
    ownCapabilities: ['CAP_CHOWN', 'CAP_KILL'],
  });
  t.strictSame(whole.process.capabilities.bounding, ['CAP_CHOWN', 'CAP_KILL'], 'ALL is what berth has');
  t.match(whole, { process: { noNewPrivileges: false }, linux: { maskedPaths: [], readonlyPaths: [] } });
  t.equal(whole.linux.seccomp, undefined);
  t.match(whole.linux.resources.devices?.at(-1), { allow: true, access: 'rwm' });
  t.notOk(mountOf(whole, '/sys')?.options.includes('ro'));
  const own = await describe(['--privileged', '--userns', 'auto', '--cap-drop', 'SYS_ADMIN']);
  t.equal(own.process.capabilities.bounding.length, 40);
  t.notMatch(own.linux.resources.devices?.at(-1), { allow: true, type: undefined });
});

t.test("Docker's seccomp profiles: rules by capability, machine and kernel", async (t) => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    archMap: [
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
    ],
    syscalls: [
      { names: ['a'], action: 'SCMP_ACT_ALLOW', args: null, comment: '', includes: {}, excludes: {} },
      { names: ['b'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
      { names: ['c'], action: 'SCMP_ACT_ALLOW', excludes: { caps: ['CAP_SYS_ADMIN'] } },
      { names: ['d'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['arm64'] } },
      { names: ['e'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['amd64', 'x32'], minKernel: '4.8' } },
      {
        name: 'f',
        action: 'SCMP_ACT_ERRNO',
        errnoRet: 1,
        args: [{ index: 0, value: 7, valueTwo: 0, op: 'SCMP_CMP_NE' }],
      },
    ],
  };
  const flag = ['--security-opt', `seccomp=${file('profile.json', JSON.stringify(profile))}`];
  const { seccomp } = (await describe(flag)).linux;
  t.match(seccomp, { defaultErrnoRet: 38, architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'] });
  t.strictSame(
    seccomp?.syscalls.flatMap(({ names }) => names),
    ['a', 'c', 'e', 'f'],
  );
  t.strictSame(seccomp?.syscalls.at(-1)?.args, [{ index: 0, value: 7, valueTwo: 0, op: 'SCMP_CMP_NE' }]);
  const admin = (await describe([...flag, '--cap-add', 'SYS_ADMIN'])).linux.seccomp;
  t.strictSame(
    admin?.syscalls.flatMap(({ names }) => names),
    ['a', 'b', 'e', 'f'],
  );
});

t.test('capabilities: every combination of ALL and names', async (t) => {
  const count = async (...args: string[]) => (await describe(args)).process.capabilities.bounding.length;
  t.equal(await count(), 11);
  t.equal(await count('--cap-add', 'ALL'), 41);
  t.equal(await count('--cap-drop', 'ALL'), 0);
  t.equal(await count('--cap-drop', 'all', '--cap-add', 'net_admin', '--cap-add', 'CAP_CHOWN'), 2);
  t.equal(await count('--cap-add', 'ALL', '--cap-drop', 'SYS_ADMIN'), 40);
  t.equal(await count('--cap-add', 'ALL', '--cap-drop', 'ALL'), 41);
  t.equal(await count('--cap-add', 'CHOWN', '--cap-drop', 'CHOWN'), 10, 'taking goes before giving');
});
