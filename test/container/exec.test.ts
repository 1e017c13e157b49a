import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { until } from '../fixtures/until.js';
import { Stage, unlessRoot } from './stage.js';

const alive = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

/** One more program in a container: as confined as the first, and no more to do with the host. */
t.test('exec', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const started = stage.berth(
    'run',
    '-d',
    '--name',
    'c',
    '-e',
    'OWN=1',
    stage.image.reference,
    'sleep',
    '1000',
  );
  t.equal(started.status, 0, started.stderr);
  const exec = (...args: string[]) => stage.berth('exec', ...args);
  /** The pid on the host of a program that was left running. */
  const left = (...args: string[]): number => {
    const { stdout, stderr } = exec('-d', '--json', ...args);
    const { pid } = JSON.parse(stdout || `{"pid":"${stderr}"}`) as { pid: number };
    return pid;
  };
  const first = (JSON.parse(stage.berth('inspect', '--json', 'c').stdout) as { pid: number }).pid;

  t.test('streams, status and environment', async (t) => {
    t.match(exec('c', 'sh', '-c', 'echo out; echo err >&2; exit 3'), {
      status: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    t.equal(exec('c', 'sh', '-c', 'kill -9 $$').status, 137);
    const file = path.join(stage.folder, 'variables');
    writeFileSync(file, '# a comment\nFILE=3\n');
    const { stdout } = exec(
      '-e',
      'MORE=2',
      '--env-file',
      file,
      '-w',
      '/tmp',
      'c',
      'sh',
      '-c',
      'echo $OWN $MORE $FILE $PWD $HOME',
    );
    t.equal(stdout, '1 2 3 /tmp /root\n');
    t.notMatch(exec('c', 'env').stdout, /BERTH|NODE|TAP/, 'nothing of the caller');
    t.equal(exec('-u', 'www-data', 'c', 'id', '-u').stdout, '33\n', 'names from the image');
    t.match(exec('-u', '4294967296', 'c', 'id'), { status: 125, stderr: /not a valid id/ });
    t.match(exec('c', 'nope'), { status: 127, stderr: /not found/ });
    t.match(exec('c', '/etc/passwd'), { status: 126 });
    t.match(exec('-w', '/nope', 'c', 'true'), { status: 125, stderr: /working directory \/nope/ });
    t.match(exec('-t', '-i', 'c', 'true'), { status: 125, stderr: /not a terminal/ });
    t.match(exec('nobody', 'true'), { status: 125, stderr: /no container has that name/ });
  });

  t.test('input and output in full', async (t) => {
    const [file = '', ...words] = stage.command('exec', ['-i', 'c', 'sh', '-c', 'cat; echo end']);
    const input = Buffer.alloc(3 << 20, 'x');
    const { stdout, status } = spawnSync(file, words, { input, maxBuffer: 64 << 20 });
    t.equal(status, 0);
    t.ok(stdout.equals(Buffer.concat([input, Buffer.from('end\n')])), `${stdout.length} bytes`);
    t.equal(exec('c', 'cat').stdout, '', 'no input unless asked for');
    const slow = spawnSync('bash', [
      '-c',
      '"$@" | (sleep 0.3; wc -c)',
      'bash',
      ...stage.command('exec', ['c', 'head', '-c', '2000000', '/dev/zero']),
    ]);
    t.equal(slow.stdout.toString(), '2000000\n');
  });

  t.test('as confined as the first process', async (t) => {
    const pid = left('c', 'sleep', '1000');
    for (const kind of ['user', 'pid', 'mnt', 'net', 'ipc', 'uts', 'cgroup'])
      t.equal(readlinkSync(`/proc/${pid}/ns/${kind}`), readlinkSync(`/proc/${first}/ns/${kind}`), kind);
    t.equal(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), readFileSync(`/proc/${first}/cgroup`, 'utf8'));
    const confinement = (of: number) =>
      readFileSync(`/proc/${of}/status`, 'utf8')
        .split('\n')
        .filter((line) => /^(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp|Umask|Sig(Blk|Ign)):/.test(line));
    t.strictSame(confinement(pid), confinement(first));
    for (const line of [/CapInh:\t0{16}$/, /CapAmb:\t0{16}$/, /NoNewPrivs:\t1$/, /Seccomp:\t2$/])
      t.ok(
        confinement(pid).some((each) => line.test(each)),
        String(line),
      );
    t.equal(readFileSync(`/proc/${pid}/limits`, 'utf8'), readFileSync(`/proc/${first}/limits`, 'utf8'));
    t.equal(
      exec('c', 'sh', '-c', 'echo x 2>/dev/null >/proc/sys/kernel/core_pattern').status,
      1,
      'masks hold',
    );
    t.match(exec('--privileged', 'c', 'grep', 'CapEff', '/proc/self/status').stdout, /CapEff:\t000001ff/);
    process.kill(pid, 'SIGKILL');
    await until(() => !alive(pid), 'it ends');
  });

  t.test('no descriptor of the host gets in (CVE-2024-21626)', async (t) => {
    const pid = left('c', 'sleep', '1000');
    t.strictSame(readdirSync(`/proc/${pid}/fd`).sort(), ['0', '1', '2'], 'its stdio alone');
    process.kill(pid, 'SIGKILL');
    const [file = '', ...words] = stage.command('exec', []);
    const tries = [...Array.from({ length: 6 }, (_, i) => i + 3), 10].map(
      (fd) => `"$@" -w /proc/self/fd/${fd} c sh -c 'echo in; pwd -P; ls -a'`,
    );
    const inside = spawnSync(
      'bash',
      ['-c', `exec 9</; exec 10</etc; ${tries.join('\n')}`, 'bash', file, ...words],
      { encoding: 'utf8' },
    );
    t.equal(inside.stdout, '', inside.stdout);
  });

  t.test('what the container watches for never comes', async (t) => {
    const watcher = left(
      'c',
      'sh',
      '-c',
      'while :; do ls -l /proc/[0-9]*/fd /proc/[0-9]*/cwd 2>/dev/null | grep -E "tasks|/sys/fs|socket|berth|memfd" >>/seen; done',
    );
    for (let i = 0; i < 5; i++) exec('c', 'true');
    process.kill(watcher, 'SIGKILL');
    t.equal(exec('c', 'cat', '/seen').stdout, '');
  });

  t.test('a paused container takes nobody in', async (t) => {
    t.equal(stage.berth('pause', 'c').status, 0);
    t.match(exec('c', 'true'), { status: 125, stderr: /it is paused/ });
    t.equal(stage.berth('unpause', 'c').status, 0);
  });

  t.test('a client that is killed leaves it running, with nobody to hear it', async (t) => {
    const child = stage.spawn(
      'exec',
      'c',
      'sh',
      '-c',
      'echo $$ >/pid; while [ ! -e /stop ]; do echo more; sleep 0.01; done; echo done >/done',
    );
    await until(() => exec('c', 'test', '-s', '/pid').status === 0, 'it runs');
    child.kill('SIGKILL');
    t.equal(exec('c', 'touch', '/stop').status, 0);
    await until(() => exec('c', 'test', '-s', '/done').status === 0, 'it went on to its end');
  });

  t.test('signals are passed on; the end of the container is its end', async (t) => {
    const child = stage.spawn(
      'exec',
      'c',
      'sh',
      '-c',
      'trap "exit 42" TERM; echo up; while :; do sleep 0.05; done',
    );
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.kill('SIGTERM');
    t.equal(await new Promise((resolve) => child.once('close', resolve)), 42);

    const other = stage.spawn('exec', 'c', 'sh', '-c', 'echo up; sleep 1000');
    await new Promise((resolve) => other.stdout?.once('data', resolve));
    const pid = left('c', 'sleep', '1000');
    t.equal(stage.berth('kill', 'c').status, 0);
    t.equal(await new Promise((resolve) => other.once('close', resolve)), 137);
    await until(() => !alive(pid), 'what was left running ends too');
    t.match(exec('c', 'true'), { status: 125, stderr: /it is not running/ });
    t.equal(stage.berth('rm', 'c').status, 0);
  });
});
