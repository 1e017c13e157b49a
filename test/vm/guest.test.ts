// The guests themselves: what `./dev vm` and `./dev cluster` promise. The tests of berth in a guest are run by suite.ts.
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { unlessRoot } from '../container/stage.js';
import { projectFolder } from '../source-files.js';
import { runInGuest } from './guest.js';

const cache = process.env.BERTH_VM_CACHE ?? '/var/cache/berth-test/vm';

t.test('a command in a guest', unlessRoot, async (t) => {
  const canary = path.join(projectFolder, `canary-${process.pid}`);
  const script = `
    cat /sys/fs/cgroup/cgroup.controllers
    grep -c cgroup /proc/self/mountinfo
    stat -f -c %T /var/tmp
    echo written >${canary} && cat ${canary}
    echo "$WORD in $PWD"
    echo apart >&2
    exit 42`;
  process.env.WORD = 'two  words';
  const { status, stdout, stderr } = runInGuest([], ['sh', '-c', script]);
  t.equal(status, 42);
  const [controllers = '', ...rest] = stdout.trimEnd().split('\n');
  t.strictSame(controllers.split(' '), ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc']);
  t.strictSame(rest, ['1', 'ext2/ext3', 'written', `two  words in ${process.cwd()}`]);
  t.equal(stderr, 'apart\n');
  t.notOk(existsSync(canary), 'what the guest writes stays in it');
});

t.test('its ends', unlessRoot, async (t) => {
  const killed = runInGuest([], ['sh', '-c', 'head -c 5000000 /dev/zero; kill -9 $$']);
  t.equal(killed.status, 137);
  t.equal(killed.stdout.length, 5_000_000, 'all that was written before comes through');
  t.equal(runInGuest([], ['/nowhere/to/be/found']).status, 127);
  const late = runInGuest(['--timeout', '6'], ['sleep', '100']);
  t.match(late, { status: 124, stderr: /not done after 6 s/ });
  t.match(runInGuest(['--shape', 'round'], ['true']), { status: 125, stderr: /no such option: --shape/ });
  t.match(runInGuest(['--image', '/nowhere'], ['true']), { status: 125, stderr: /no such image/ });
});

/** The processes and mounts of guests whose host name is `name`, and the files they would have left. */
function remains(name: string): string[] {
  const processes = readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`\0${name}\0`);
    } catch {
      return false; // ended meanwhile
    }
  });
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(cache));
  return [...processes, ...mounts, ...readdirSync(cache).filter((file) => file.startsWith('disk.'))];
}

t.test('a runner that is killed leaves nothing', unlessRoot, async (t) => {
  for (const [signal, status] of [
    ['SIGKILL', null],
    ['SIGTERM', 143],
  ] as const) {
    const name = `killed-${process.pid}`;
    const runner = spawn(path.join(projectFolder, 'test/vm/run'), [
      '--name',
      name,
      '--',
      'sh',
      '-c',
      'echo up; sleep 1000',
    ]);
    await once(runner.stdout, 'data');
    t.ok(remains(name).length >= 2, `${remains(name).length} processes`);
    const ended = once(runner, 'exit');
    runner.kill(signal);
    t.equal((await ended)[0], status, signal);
    for (let tries = 0; remains(name).length > 0 && tries < 300; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    t.strictSame(remains(name), [], signal);
  }
});

t.test('a cluster of two', unlessRoot, async (t) => {
  const folder = `/var/tmp/berth-test-cluster-${process.pid}`;
  const cluster = (...words: string[]): SpawnSyncReturns<string> =>
    spawnSync(path.join(projectFolder, 'test/vm/cluster'), words, {
      encoding: 'utf8',
      env: { ...process.env, BERTH_CLUSTER: folder },
    });
  t.teardown(() => {
    cluster('down');
    rmSync(folder, { recursive: true, force: true });
  });
  const reaches = () =>
    cluster('run', '1', '--', 'busybox', 'ping', '-c', '2', '-W', '5', '10.77.0.2').status === 0;
  const becomes = (reachable: boolean) => {
    for (let tries = 0; tries < 20; tries += 1) if (reaches() === reachable) return true;
    return false;
  };
  const up = cluster('up', '2');
  t.equal(up.status, 0, up.stderr);
  t.match(cluster('up', '2'), { status: 125, stderr: /down ends it/ });
  t.equal(cluster('ls').stdout, 'vm1 10.77.0.1 running\nvm2 10.77.0.2 running\n');
  t.match(
    cluster(
      'run',
      '2',
      '--',
      'sh',
      '-c',
      'echo "$VM_ID of $VM_COUNT on $(cat /proc/sys/kernel/hostname)"; exit 7',
    ),
    {
      status: 7,
      stdout: '2 of 2 on vm2\n',
    },
  );
  t.ok(becomes(true), 'they reach each other');
  for (const [apart, together] of [
    ['cut', 'heal'],
    ['freeze', 'thaw'],
  ] as const) {
    t.equal(cluster(apart, '2').status, 0, apart);
    t.ok(becomes(false), `unreachable after ${apart}`);
    t.equal(cluster(together, '2').status, 0, together);
    t.ok(becomes(true), `reachable after ${together}`);
  }
  t.match(cluster('cut', '3'), { status: 125, stderr: /no guest '3': there are 1 2/ });
  t.equal(
    cluster('run', '2', '--', 'sh', '-c', 'cat /proc/sys/kernel/random/boot_id >/var/tmp/boot && sync')
      .status,
    0,
  );
  t.equal(cluster('kill', '2').status, 0);
  t.ok(becomes(false), 'unreachable after kill');
  t.equal(cluster('boot', '2').status, 0);
  t.ok(becomes(true), 'reachable after boot');
  t.match(cluster('boot', '2'), { status: 125, stderr: /guest 2 is running/ });
  t.match(
    cluster('run', '2', '--', 'cmp', '/var/tmp/boot', '/proc/sys/kernel/random/boot_id'),
    { status: 1, stdout: /differ/ },
    'the disk is the same, the system is not',
  );
  t.equal(cluster('kill', '2').status, 0);
  t.equal(cluster('ls').stdout, 'vm1 10.77.0.1 running\nvm2 10.77.0.2 ended with 137\n');
  t.match(cluster('cut', '2'), { status: 125, stderr: /guest 2 has ended/ });
  t.ok(becomes(false), 'unreachable after kill');
  t.equal(cluster('down').status, 0);
  t.strictSame([...remains('vm1'), ...remains('vm2'), existsSync(folder)], [false]);
});
