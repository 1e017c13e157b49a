import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { ContainerOptions } from '../../src/containerizer/container/options.js';
import { limitedDisks } from '../../src/containerizer/host/block-device.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { busyboxAci } from '../fixtures/aci.js';
import type { LayerEntry } from '../fixtures/oci-image-writer.js';
import { Stage, unlessRoot } from './stage.js';

let made = 0;

const app = (members: Record<string, unknown>) => ({ exec: ['sh'], user: '0', group: '0', ...members });

/** An image of that app in the stage's store. */
async function imageOf(stage: Stage, members: Record<string, unknown>, extra: LayerEntry[] = []) {
  const file = path.join(stage.folder, `app-${made++}.aci`);
  return provideImage(stage.roots, await busyboxAci(file, { app: app(members) }, extra));
}

/** What a script prints as that app. */
async function sh(
  stage: Stage,
  script: string,
  members: Record<string, unknown> = {},
  options: Partial<ContainerOptions> = {},
  extra: LayerEntry[] = [],
): Promise<string> {
  const image = await imageOf(stage, { exec: ['sh', '-c', `exec 2>&1; ${script}`], ...members }, extra);
  return (await stage.run([], options, image)).stdout.trimEnd();
}

const isolator = (name: string, value: unknown) => ({ isolators: [{ name, value }] });

t.test('what an app sees is what its image and the specification say', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const seen = await sh(
    stage,
    'pwd; id; echo $PATH; echo $AC_APP_NAME; echo $container; echo $GREETING; echo $HOME; cat /proc/mounts; ls -l /dev',
    {
      user: 'www-data',
      group: 'adm',
      supplementaryGIDs: [29, 1234],
      workingDirectory: '/usr/bin',
      environment: [{ name: 'GREETING', value: 'a $b' }],
    },
  );
  const [cwd, id, PATH, name, container, greeting, home] = seen.split('\n');
  t.equal(cwd, '/usr/bin');
  t.match(id, /^uid=33\(www-data\) gid=4\(adm\) groups=.*29.*1234/);
  t.equal(PATH, '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  t.equal(name, 'app');
  t.equal(container, 'berth');
  t.equal(greeting, 'a $b', 'nothing is substituted');
  t.equal(home, '/var/www');
  // OS-SPEC.md.
  for (const [place, type] of Object.entries({
    '/proc': 'proc',
    '/sys': 'sysfs',
    '/dev/pts': 'devpts',
    '/dev/shm': 'tmpfs',
  }))
    t.match(seen, new RegExp(` ${place} ${type} `), place);
  for (const device of ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx', 'shm', 'pts'])
    t.match(seen, new RegExp(` ${device}\\b`), device);

  const owner = { user: '/bin/tool', group: '/bin/tool' };
  const extra = [{ name: 'bin/tool', content: '', uid: 70, gid: 71 }];
  t.match(await sh(stage, 'id -u; id -g', owner, {}, extra), /^70\n71$/, 'the owner of a file');
  await t.rejects(sh(stage, 'id', { user: '/bin/none' }), { code: 'USER_UNKNOWN' });
  await t.rejects(sh(stage, 'id', { workingDirectory: '/none' }), { message: /none/ });
  t.equal(await sh(stage, 'cat /run-me', {}, {}, [{ name: 'run-me', content: 'x' }]), 'x');

  const own = await imageOf(stage, { exec: ['echo', 'own'] });
  t.equal((await stage.run(['echo', 'other'], {}, own)).stdout, 'other\n', "the caller's command goes first");
});

t.test('handlers run around the program, on the same files', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const eventHandlers = [
    { name: 'pre-start', exec: ['sh', '-c', 'echo before $AC_APP_NAME; id -u; touch /before'] },
    { name: 'post-stop', exec: ['sh', '-c', 'echo after; ls /before /main'] },
  ];
  const exec = ['sh', '-c', 'ls /before; touch /main; exit 3'];
  const whole = await imageOf(stage, { exec, eventHandlers, user: '0', group: '0' });
  const { stdout, exit } = await stage.run([], {}, whole);
  t.equal(stdout, 'before app\n0\n/before\nafter\n/before\n/main\n');
  t.equal(exit.status, 3, "the program's status");

  const failing = [{ name: 'pre-start', exec: ['sh', '-c', 'exit 9'] }, eventHandlers[1]];
  const failed = await stage.run([], {}, await imageOf(stage, { exec, eventHandlers: failing }));
  t.equal(failed.exit.status, 9, 'no program after a handler that failed');
  t.equal(failed.stdout, '');

  const missing = await imageOf(stage, { exec: ['/none'], eventHandlers });
  const gone = await stage.run([], {}, missing);
  t.equal(gone.exit.status, 127);
  t.match(gone.stderr, /^berth: command \/none: not found$/m);

  // A signal meets the program, and what comes after it still comes.
  const waiting = await imageOf(stage, {
    exec: ['sh', '-c', 'echo up; trap "exit 5" TERM; while :; do sleep 0.05; done'],
    eventHandlers: eventHandlers.slice(1),
  });
  const file = path.join(stage.folder, 'out');
  writeFileSync(file, '');
  const running = await stage.start([], { remove: false, name: 'waits' }, waiting);
  const log = () => stage.berth('logs', 'waits').stdout;
  while (!log().includes('up')) await new Promise((resolve) => setTimeout(resolve, 50));
  running.signal(15);
  t.equal((await running.ended).status, 5);
  t.match(log(), /up\nafter\n/);
  t.equal(stage.berth('rm', 'waits').status, 0);
});

t.test('isolators take away, and give no more than is usual', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const warnings: string[] = [];
  const capabilities = async (
    t: Test,
    members: Record<string, unknown>,
    options: Partial<ContainerOptions>,
    expected: string,
    message: string,
  ) => {
    const mask = await sh(stage, 'grep CapBnd /proc/self/status', members, options);
    t.equal(mask.replace(/\s+/g, ' '), `CapBnd: ${expected.padStart(16, '0')}`, message);
  };
  await capabilities(t, {}, {}, 'a80425fb', 'the fourteen of the specification');
  const retain = (...set: string[]) => isolator('os/linux/capabilities-retain-set', { set });
  await capabilities(
    t,
    retain('CAP_NET_BIND_SERVICE', 'CAP_SYS_ADMIN'),
    {},
    '400',
    'none beyond them by itself',
  );
  await capabilities(t, retain('CAP_NET_BIND_SERVICE'), { capAdd: ['SYS_PTRACE'] }, '80400', 'with a flag');
  const remove = isolator('os/linux/capabilities-remove-set', { set: ['CAP_SYS_CHROOT', 'CAP_MKNOD'] });
  await capabilities(t, remove, {}, 'a00025fb', 'twelve are left');
  await capabilities(t, remove, { capDrop: ['ALL'] }, '0', 'the caller goes first');

  const status = (name: string) => `grep ${name} /proc/self/status`;
  t.match(await sh(stage, status('NoNewPrivs'), isolator('os/linux/no-new-privileges', true)), /1$/);

  const removeCalls = (errno?: string) =>
    isolator('os/linux/seccomp-remove-set', {
      set: ['mkdir', 'mkdirat'],
      ...(errno === undefined ? {} : { errno }),
    });
  t.match(await sh(stage, 'mkdir /x; echo end', removeCalls('ENOTEMPTY')), /not empty[\s\S]*end/);
  t.match(await sh(stage, 'mkdir /x; echo $?', removeCalls()), /159$/, 'SIGSYS');
  const masked = isolator('os/linux/seccomp-remove-set', { set: ['@appc.io/empty', 'mkdir'] });
  t.equal(await sh(stage, 'mkdir /x && echo made', masked), 'made');
  const all = isolator('os/linux/seccomp-retain-set', { set: ['@appc.io/all'] });
  t.equal(await sh(stage, 'mkdir /x && echo made', all), 'made');
  const few = await imageOf(stage, {
    exec: ['/bin/busybox', 'true'],
    ...isolator('os/linux/seccomp-retain-set', { set: ['read', 'write'] }),
  });
  t.equal((await stage.run([], {}, few)).exit.signal, 31, 'what is not retained ends the program');

  const limits = {
    isolators: [
      { name: 'resource/cpu', value: { request: '250m', limit: '500m' } },
      { name: 'resource/memory', value: { limit: '64Mi' } },
      { name: 'resource/block-iops', value: { default: true, limit: '1000' } },
      { name: 'resource/network-bandwidth', value: { default: true, limit: '1M' } },
      { name: 'example.com/unknown', value: 1 },
    ],
  };
  const limited = await imageOf(stage, { exec: ['sleep', '1000'], ...limits });
  const { launchContainer } = await import('../../src/containerizer/container/launch.js');
  const { defaults } = await import('./stage.js');
  const container = await launchContainer(stage.roots, {
    image: limited,
    options: { ...defaults },
    client: null,
    onWarning: (text) => warnings.push(text),
  });
  const document = JSON.parse(
    readFileSync(path.join(stage.roots.state, 'containers', container.id, 'container.json'), 'utf8'),
  ) as { limits: unknown };
  t.strictSame(document.limits, { memory: 64 << 20, pids: 2048, cpus: 0.5 });
  t.match(
    warnings.join('\n'),
    /network-bandwidth is not enforced[\s\S]*example.com\/unknown is not enforced/,
  );
  const config = JSON.parse(
    readFileSync(path.join(stage.roots.state, 'containers', container.id, 'config.json'), 'utf8'),
  ) as { linux: { resources: { blockIO?: Record<string, { rate: number }[]> } } };
  const { blockIO } = config.linux.resources;
  if (limitedDisks().length === 0) t.match(warnings.join('\n'), /block-iops is not enforced/);
  else
    for (const kind of ['throttleReadIOPSDevice', 'throttleWriteIOPSDevice'])
      t.strictSame(
        blockIO?.[kind]?.map(({ rate }) => rate),
        limitedDisks().map(() => 1000),
        kind,
      );
  container.signal(9);
  await container.ended;

  // What an image limits is in the options of a container that is kept.
  const kept = await stage.start([], { remove: false, name: 'kept' }, limited);
  kept.signal(9);
  await kept.ended;
  t.equal(stage.berth('start', 'kept').status, 0);
  t.equal(stage.berth('rm', '-f', 'kept').status, 0);
});

t.test('mount points are met by volumes', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const mountPoints = [
    { name: 'data', path: '/data' },
    { name: 'secrets', path: '/secrets', readOnly: true },
  ];
  const files: LayerEntry[] = [{ name: 'data/' }, { name: 'data/hidden', content: '' }];
  const script =
    'ls /data; touch /data/x && echo wrote; touch /secrets/x; grep -c -E " /(data|secrets) " /proc/mounts';
  t.match(await sh(stage, script, { mountPoints }, {}, files), /^wrote\n[\s\S]*Read-only file system\n2$/);
  const source = path.join(stage.folder, 'shared');
  const { mkdirSync } = await import('node:fs');
  mkdirSync(source);
  writeFileSync(path.join(source, 'there'), '');
  const volumes = [{ source, target: '/secrets', readonly: false, recursive: true, idmap: true }];
  t.match(
    await sh(stage, 'ls /secrets; touch /secrets/x', { mountPoints }, { volumes }),
    /^there\n.*Read-only/,
  );
  t.notOk(existsSync(path.join(source, 'x')));
});
