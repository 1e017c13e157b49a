import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { unlessRoot } from '../container/stage.js';
import { Bundle, runtimeProgram } from './bundle.js';

const podmanVersion = spawnSync('podman', ['--version']).status;
const options = podmanVersion === 0 ? unlessRoot : { skip: 'podman' };

/** Unmodified podman, told to use berth-runtime; nothing else of the host's podman is touched. */
class Podman {
  readonly bundle: Bundle;
  readonly #env: NodeJS.ProcessEnv;

  constructor(bundle: Bundle) {
    this.bundle = bundle;
    const config = path.join(bundle.folder, 'containers.conf');
    // podman's own limits are above what this test may be allowed to set (CAP_SYS_RESOURCE).
    writeFileSync(
      config,
      `[containers]
default_ulimits = ["nofile=256:256", "nproc=256:256"]
[engine]
events_logger = "none"
runtime_supports_nocgroups = ["berth-runtime"]
[engine.runtimes]
berth-runtime = ["${runtimeProgram}"]
`,
    );
    this.#env = { ...process.env, CONTAINERS_CONF: config };
  }

  call(...words: string[]): SpawnSyncReturns<string> {
    return this.#call(words);
  }

  #line(words: readonly string[]): string[] {
    const place = (name: string) => path.join(this.bundle.folder, name);
    const global = ['--root', place('storage'), '--runroot', place('runroot'), '--storage-driver', 'vfs'];
    return ['podman', ...global, '--cgroup-manager', 'cgroupfs', '--runtime', 'berth-runtime', ...words];
  }

  #call(words: readonly string[], input?: string): SpawnSyncReturns<string> {
    const [file = '', ...rest] = this.#line(words);
    return spawnSync(file, rest, {
      ...(input === undefined ? {} : { input }),
      env: this.#env,
      encoding: 'utf8',
      timeout: 60_000,
    });
  }

  /** With text on stdin. */
  typed(input: string, ...words: string[]): SpawnSyncReturns<string> {
    return this.#call(words, input);
  }

  /** With a terminal for stdin and stdout, which script(1) makes. */
  atTerminal(...words: string[]): SpawnSyncReturns<string> {
    const line = this.#line(words)
      .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
      .join(' ');
    const options = { env: this.#env, encoding: 'utf8', timeout: 60_000 } as const;
    return spawnSync('script', ['-qec', line, '/dev/null'], options);
  }

  run(...words: string[]): SpawnSyncReturns<string> {
    return this.call('run', '--network', 'none', '--cgroup-parent', `/${this.bundle.tag}`, ...words);
  }
}

t.test('podman', options, async (t) => {
  const bundle = new Bundle(t);
  const podman = new Podman(bundle);
  t.teardown(() => podman.call('rm', '--all', '--force', '--time', '0'));
  const archive = path.join(bundle.folder, 'image.tar');
  execFileSync('tar', ['-C', bundle.rootfs, '-cf', archive, '.']);
  t.equal(podman.call('import', '--quiet', archive, 'busybox:test').status, 0);
  const image = 'busybox:test';
  const ends = (status: number, output: RegExp, ...words: string[]) => {
    const { stdout, stderr, status: own } = podman.run('--rm', ...words);
    t.match(stdout + stderr, output, words.join(' '));
    t.equal(own, status, words.join(' '));
  };

  ends(3, /uid=0/, image, 'sh', '-c', 'id; exit 3');
  ends(127, /not found/, image, 'nosuch');
  ends(126, /permission denied/i, image, '/etc/passwd');
  ends(137, /^$/, '--pid', 'host', image, 'sh', '-c', 'kill -9 $$');
  mkdirSync(path.join(bundle.folder, 'volume'));
  const flags = ['-u', '33:34', '-w', '/tmp', '-e', 'A=b c', '--hostname', 'pod', '--cap-drop', 'all'];
  const more = ['--read-only', '--memory', '64m', '--pids-limit', '50', '-v', `${bundle.folder}/volume:/v`];
  ends(
    0,
    /uid=33.*gid=34.*\n\/tmp\nb c\npod\nCapBnd:\s0+\n64000?.*Read-only/s,
    ...[...flags, ...more, image, 'sh', '-c'],
    `id; pwd; echo "$A"; hostname; grep CapBnd /proc/self/status
     cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | sed s/67108864/64000/
     touch /x; touch /tmp/y; echo 2>&1 > /dev/stderr`,
  );
  ends(0, /^\s+0\s+300000\s+70000/, '--uidmap', '0:300000:70000', image, 'cat', '/proc/self/uid_map');
  ends(0, /\/dev\/pts\/0\r?\n.*136, +0/s, '-t', image, 'sh', '-c', 'tty; ls -l /dev/console');
  // podman gives the whole of st_mode as fileMode.
  ends(
    0,
    /^crw-rw-rw-.* 1, +3 .*\/dev\/mine/,
    '--device',
    '/dev/null:/dev/mine:r',
    image,
    'ls',
    '-l',
    '/dev/mine',
  );
  ends(0, /CapEff:\s0*1f/, '--privileged', image, 'grep', 'CapEff', '/proc/self/status');

  t.test('exec, and what rests on it', async (t) => {
    const health = ['--health-cmd', 'test -e /tmp/ok', '--health-interval', 'disable'];
    t.equal(podman.run('-d', '--name', 'host', ...health, image, 'sleep', '1000').status, 0);
    const sent = (status: number, output: RegExp, ...words: string[]) => {
      const { stdout, stderr, status: own } = podman.call('exec', ...words);
      t.match(stdout + stderr, output, words.join(' '));
      t.equal(own, status, words.join(' '));
    };
    sent(3, /^hello\nuid=0/, 'host', 'sh', '-c', 'echo hello; id; exit 3');
    sent(127, /not found/, 'host', 'nosuch');
    sent(126, /permission denied/i, 'host', '/etc/passwd');
    sent(
      0,
      /uid=33.*gid=34.*\n\/tmp\nb c/,
      ...['-u', '33:34', '-w', '/tmp', '-e', 'A=b c', 'host', 'sh', '-c', 'id; pwd; echo "$A"'],
    );
    sent(0, /CapEff:\s0*1f/, '--privileged', 'host', 'grep', 'CapEff', '/proc/self/status');
    t.equal(podman.call('exec', '-d', 'host', 'sh', '-c', 'echo $$ > /tmp/detached; sleep 999').status, 0);
    t.match(podman.call('top', 'host').stdout, /sleep 1000[\s\S]*sleep 999/);
    t.equal(podman.typed('x', 'exec', '-i', 'host', 'cat').stdout, 'x');
    const atTerminal = () => podman.atTerminal('exec', '-it', 'host', 'sh', '-c', 'tty; exit 5');
    let terminal = atTerminal();
    // podman 4.3 can come too late for what a program writes that ends at once.
    for (let tries = 0; terminal.stdout === '' && tries < 10; tries++) terminal = atTerminal();
    t.match(terminal, { status: 5, stdout: /\/dev\/pts\/\d/ });

    t.match(podman.call('healthcheck', 'run', 'host'), { status: 1, stdout: /unhealthy/ });
    t.equal(podman.call('exec', 'host', 'touch', '/tmp/ok').status, 0);
    t.match(podman.call('healthcheck', 'run', 'host'), { status: 0, stdout: '' });

    writeFileSync(path.join(bundle.folder, 'copied'), 'from the host');
    t.equal(podman.call('cp', path.join(bundle.folder, 'copied'), 'host:/tmp/copied').status, 0);
    sent(0, /^from the host$/, 'host', 'cat', '/tmp/copied');
    t.match(podman.call('stats', '--no-stream', 'host'), { status: 0, stdout: /host/ });
    t.equal(podman.call('commit', '-q', 'host', 'made:1').status, 0);
    ends(0, /from the host/, 'made:1', 'cat', '/tmp/copied');
    t.equal(podman.call('rm', '--force', '--time', '0', 'host').status, 0);
  });

  const script = 'trap "echo ended; exit 5" TERM; echo began; while :; do sleep 0.1; done';
  t.equal(podman.run('-d', '--name', 'long', image, 'sh', '-c', script).status, 0);
  t.equal(podman.call('pause', 'long').status, 0);
  t.match(podman.call('ps', '--all', '--format', '{{.Status}}').stdout, /paused/i);
  t.equal(podman.call('unpause', 'long').status, 0);
  // The trap is set before the first line is there to be read.
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; )
    if (podman.call('logs', 'long').stdout.includes('began')) break;
  t.equal(podman.call('stop', '--time', '30', 'long').status, 0);
  t.match(podman.call('logs', 'long').stdout, /^began\nended\n$/);
  t.equal(podman.call('inspect', '--format', '{{.State.ExitCode}}', 'long').stdout, '5\n');
  t.equal(podman.call('start', 'long').status, 0, 'once more');
  t.equal(podman.call('kill', 'long').status, 0);
  t.equal(podman.call('rm', '--force', 'long').status, 0);
  t.notMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(`${bundle.tag}/state`));
});
