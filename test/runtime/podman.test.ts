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
    const place = (name: string) => path.join(this.bundle.folder, name);
    const global = ['--root', place('storage'), '--runroot', place('runroot'), '--storage-driver', 'vfs'];
    const manager = ['--cgroup-manager', 'cgroupfs', '--runtime', 'berth-runtime'];
    return spawnSync('podman', [...global, ...manager, ...words], {
      env: this.#env,
      encoding: 'utf8',
      timeout: 60_000,
    });
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
