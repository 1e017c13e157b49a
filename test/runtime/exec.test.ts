import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { Bundle, type Config, runtimeProgram } from './bundle.js';

/** Starts `sleep` in a container; `id` is the last word of the commands that follow. */
function start(bundle: Bundle, id: string, change: (config: Config) => void = () => {}): number {
  bundle.write((config) => {
    config.process.args = ['sleep', '1000'];
    change(config);
  });
  // The container keeps what it is given: of a pipe this process would wait for the end.
  if (bundle.command(['run', '--detach', id], { stdio: 'ignore' }).status !== 0)
    throw new Error(`${id} does not start`);
  return bundle.state(id).pid ?? 0;
}

const namespaces = (pid: number | string) =>
  readdirSync(`/proc/${pid}/ns`)
    .filter((kind) => !kind.endsWith('_for_children'))
    .map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`));

t.test('exec', unlessRoot, async (t) => {
  const bundle = new Bundle(t);
  const filter = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
  };
  const pid = start(bundle, 'one', (config) => {
    config.process.env.push('OWN=kept', 'BOTH=own');
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
    config.linux.seccomp = filter;
    config.process.oomScoreAdj = 321;
  });
  const said = (...words: string[]) => {
    const { status, stdout, stderr } = bundle.command(['exec', ...words]);
    t.equal(status, 0, stderr);
    return stdout.trimEnd();
  };

  t.test('is as confined as the container itself', async (t) => {
    const own = said('one', 'sh', '-c', 'ls -l /proc/self/ns | sed -n "s/.*-> //p"').split('\n');
    t.strictSame(new Set(own), new Set([...namespaces(pid), ...own.filter((each) => /_for_/.test(each))]));
    const script = `grep -E 'NoNewPrivs|Seccomp:|CapBnd' /proc/self/status; ulimit -n; cat /proc/self/oom_score_adj
      mkdir /tmp/x 2>&1; cat /proc/self/cgroup; ls /proc/self/fd | wc -l`;
    const [caps, privileges, seccomp, files, score, mkdir, ...rest] = said('one', 'sh', '-c', script).split(
      '\n',
    );
    t.match(caps, readFileSync(`/proc/${pid}/status`, 'utf8').match(/CapBnd:\s+\w+/)?.[0] ?? 'none');
    t.match([privileges, seccomp], [/1$/, /2$/]);
    t.strictSame([files, score], ['100', '321']);
    t.match(mkdir, /No space left on device/, 'the same filter');
    t.equal(rest.pop(), '4', 'its three and the one that ls reads the folder by');
    for (const line of rest) t.match(line, /:\/$/, 'the same cgroup, which is the root of the namespace');
  });

  t.test('what is asked for', async (t) => {
    t.equal(
      said('-e', 'BOTH=new', '--env', 'MORE=a b', 'one', 'sh', '-c', 'echo $OWN-$BOTH-$MORE; pwd'),
      'kept-new-a b\n/',
    );
    t.match(
      said('--user', '33:34', '-g', '35', '--cwd', '/tmp', 'one', 'sh', '-c', 'id; pwd'),
      /uid=33.*gid=34.*groups=.*35\n\/tmp/,
    );
    const capabilities = (...flags: string[]) =>
      Number.parseInt(said(...flags, 'one', 'sh', '-c', 'grep CapEff /proc/self/status').slice(8), 16);
    t.equal(capabilities('--cap', 'CAP_SYS_TIME') & ~capabilities(), 1 << 25);
    t.match(bundle.command(['exec', '--cap', 'FLY', 'one', 'true']), {
      status: 255,
      stderr: /no capability/,
    });
    t.match(bundle.command(['exec', '--user', 'root', 'one', 'true']), {
      status: 255,
      stderr: /must be a number/,
    });
    t.match(bundle.command(['exec', '--apparmor', 'strict', 'one', 'true']), { stderr: /is not supported/ });
  });

  t.test('a whole process, detached, with its pid', async (t) => {
    const [file, pidFile] = ['process.json', 'pid'].map((name) => path.join(bundle.folder, name));
    const process = {
      args: ['sh', '-c', 'cat > /got; sleep 1000'],
      env: ['PATH=/bin'],
      cwd: '/',
      user: { uid: 0, gid: 0 },
    };
    writeFileSync(file ?? '', JSON.stringify(process));
    const words = ['exec', '--detach', '--pid-file', pidFile ?? '', '--process', file ?? '', 'one'];
    const input = path.join(bundle.folder, 'input');
    writeFileSync(input, 'by way of stdin');
    const stdin = openSync(input, 'r');
    const { status } = bundle.command(words, { stdio: [stdin, 'ignore', 'ignore'] });
    closeSync(stdin);
    t.equal(status, 0);
    const sent = Number(readFileSync(pidFile ?? '', 'utf8'));
    const got = path.join(bundle.rootfs, 'got');
    await until(() => existsSync(got) && readFileSync(got, 'utf8') !== '');
    t.equal(readFileSync(got, 'utf8'), 'by way of stdin');
    t.strictSame(namespaces(sent), namespaces(pid));
    t.ok((JSON.parse(bundle.command(['ps', '-f', 'json', 'one']).stdout) as number[]).includes(sent));
    globalThis.process.kill(sent, 'SIGKILL');
    t.match(bundle.command([...words, 'true']), { status: 255, stderr: /needs a command, or --process/ });
    t.match(bundle.command(['exec', 'one']), { status: 255, stderr: /needs a command/ });
  });

  t.test('its status, and what callers tell apart', async (t) => {
    t.equal(bundle.command(['exec', 'one', 'sh', '-c', 'exit 7']).status, 7);
    t.equal(bundle.command(['exec', 'one', 'sh', '-c', 'kill -9 $$']).status, 137);
    t.match(bundle.command(['exec', 'one', 'nosuch']), {
      status: 255,
      stderr: /executable file `nosuch` not found in \$PATH: No such file or directory/,
    });
    t.match(bundle.command(['exec', 'one', '/etc/passwd']), { status: 255, stderr: /permission denied/i });
    t.match(bundle.command(['exec', '--cwd', '/none', 'one', 'true']), { status: 255, stderr: /cwd \/none/ });
    t.match(bundle.command(['exec', '--tty', 'one', 'true']), { status: 255, stderr: /console-socket/ });
    t.match(bundle.command(['exec', 'none', 'true']), { status: 255, stderr: /does not exist/ });
    t.match(bundle.command(['exec']), { status: 1, stderr: /usage/ });
    bundle.command(['pause', 'one']);
    t.match(bundle.command(['exec', 'one', 'true']), { status: 255, stderr: /it is paused/ });
    bundle.command(['resume', 'one']);
    t.strictSame(
      JSON.parse(bundle.command(['ps', '-f', 'json', 'one']).stdout),
      [pid],
      'nobody is left of all these',
    );
  });

  t.test('signals reach the program; it ends with its container', async (t) => {
    const send = (script: string): ChildProcess =>
      spawn(runtimeProgram, ['--root', bundle.root, 'exec', 'one', 'sh', '-c', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    const trapped = send('trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done');
    await new Promise((resolve) => trapped.stdout?.once('data', resolve));
    trapped.kill('SIGTERM');
    t.equal(await new Promise((resolve) => trapped.once('exit', resolve)), 9);
    const last = send('echo ready; exec sleep 1000');
    await new Promise((resolve) => last.stdout?.once('data', resolve));
    bundle.command(['kill', 'one', 'KILL']);
    t.equal(await new Promise((resolve) => last.once('exit', resolve)), 137);
    await until(() => bundle.state('one').status === 'stopped');
    t.match(bundle.command(['exec', 'one', 'true']), { status: 255, stderr: /it is stopped/ });
    t.equal(bundle.command(['delete', 'one']).status, 0);
  });
});

t.test('exec into a container with users of its own, and one with the host pids', unlessRoot, async (t) => {
  const bundle = new Bundle(t);
  bundle.own(200_000);
  start(bundle, 'users', (config) => {
    config.linux.namespaces.push({ type: 'user' });
    const mapping = [{ containerID: 0, hostID: 200_000, size: 1000 }];
    Object.assign(config.linux, { uidMappings: mapping, gidMappings: mapping });
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
  });
  const script = 'id -u; cat /proc/self/uid_map; ulimit -n; touch /tmp/mine; stat -c %u /tmp/mine';
  t.match(bundle.command(['exec', 'users', 'sh', '-c', script]), {
    status: 0,
    stdout: /^0\n\s+0\s+200000\s+1000\n100\n0\n$/,
  });
  t.match(bundle.command(['exec', '--user', '5', 'users', 'id', '-u']).stdout, /^5\n$/);
  t.equal(bundle.command(['delete', '--force', 'users']).status, 0);
  rmSync(path.join(bundle.rootfs, 'tmp/mine'), { force: true });
  bundle.own(0);

  start(bundle, 'pids', (config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid');
    config.mounts = config.mounts.filter(({ type }) => type !== 'proc');
  });
  t.equal(bundle.command(['exec', 'pids', 'sh', '-c', 'exit 4']).status, 4);
  const words = ['exec', '--detach', 'pids', 'sleep', '1000'];
  t.equal(bundle.command(words, { stdio: 'ignore' }).status, 0);
  const all = JSON.parse(bundle.command(['ps', '-f', 'json', 'pids']).stdout) as number[];
  t.equal(all.length, 2);
  t.equal(bundle.command(['delete', '--force', 'pids']).status, 0, 'with what was sent in');
  await until(() => all.every((pid) => !existsSync(`/proc/${pid}`)));
});

t.test('what is sent in cannot leave by its working directory', unlessRoot, async (t) => {
  const bundle = new Bundle(t);
  start(bundle, 'one');
  for (let fd = 3; fd < 24; fd++) {
    const { status, stdout } = bundle.command(['exec', '--cwd', `/proc/self/fd/${fd}`, 'one', 'pwd']);
    t.ok(status !== 0 || stdout.startsWith('/'), `descriptor ${fd}: ${stdout} (CVE-2024-21626)`);
    if (status === 0) t.notMatch(stdout, /unreachable/);
  }
  t.equal(bundle.command(['delete', '--force', 'one']).status, 0);
});

interface RuntimeEvent {
  type: string;
  id: string;
  data?: {
    cpu: { usage: { total: number; user: number; kernel: number } };
    memory: { usage: { usage: number; limit: number; max: number }; raw: Record<string, number> };
    pids: { current: number; limit?: number };
    blkio: { ioServiceBytesRecursive: object[] };
  };
}

t.test('events', unlessRoot, async (t) => {
  const bundle = new Bundle(t);
  start(bundle, 'one', (config) => {
    Object.assign(config.linux, {
      resources: { memory: { limit: 16 << 20, swap: 16 << 20 }, pids: { limit: 50 } },
    });
  });
  const { status, stdout } = bundle.command(['events', '--stats', 'one']);
  t.equal(status, 0);
  const { data, ...rest } = JSON.parse(stdout) as RuntimeEvent;
  t.strictSame(rest, { type: 'stats', id: 'one' });
  t.match(data, { memory: { usage: { limit: 16 << 20 } }, pids: { current: 1, limit: 50 } });
  t.ok((data?.cpu.usage.total ?? 0) > 0 && (data?.memory.usage.usage ?? 0) > 0);
  // The kernel's counters may be seconds behind (memory.stat).
  t.type(data?.memory.raw.pgfault, 'number');
  for (const interval of ['0s', '5', 'x', '-1s', '1h1'])
    t.match(bundle.command(['events', '--interval', interval, 'one']), { status: 1, stderr: /--interval/ });

  const watcher = spawn(runtimeProgram, ['--root', bundle.root, 'events', '--interval', '0.1s', 'one'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const types: string[] = [];
  createInterface({ input: watcher.stdout }).on('line', (line) => {
    types.push((JSON.parse(line) as RuntimeEvent).type);
  });
  const ended = new Promise((resolve) => watcher.once('exit', resolve));
  await until(() => types.filter((type) => type === 'stats').length >= 2);
  t.equal(bundle.command(['exec', 'one', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M']).status, 137);
  await until(() => types.includes('oom'));
  t.equal(bundle.command(['kill', 'one', 'KILL']).status, 0);
  t.equal(await ended, 0, 'until the container has ended');
  t.match(bundle.command(['events', '--stats', 'one']), { status: 1, stderr: /not running/ });
  t.equal(bundle.command(['delete', '--force', 'one']).status, 0);
});
