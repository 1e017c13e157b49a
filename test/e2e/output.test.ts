import { type spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { type LogRecord, readLogs } from '../../src/containerizer/container/logs.js';
import { places } from '../../src/state/roots.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';

const MiB = 2 ** 20;
const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');

/** What a container writes: every byte to the client, all that there is room for to the log, and never a wait for either. */
t.test('output', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const reference = stage.image.reference;

  t.test('a slow reader gets every byte', async (t) => {
    // 6 MB of numbered lines, so that a lost or doubled piece changes the sum.
    const script = 'i=0; while [ $i -lt 60 ]; do seq $((i*20000)) $((i*20000+19999)); i=$((i+1)); done';
    const expected = sha256(Array.from({ length: 60 * 20000 }, (_, i) => `${i}\n`).join(''));
    const child = stage.spawn('run', '--rm', reference, 'sh', '-c', script);
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of child.stdout ?? []) {
      hash.update(chunk as Buffer);
      const before = bytes;
      bytes += (chunk as Buffer).length;
      if (Math.floor(before / MiB) !== Math.floor(bytes / MiB)) await sleep(60);
    }
    t.equal(hash.digest('hex'), expected, `${bytes} bytes`);
    t.equal(await exitOf(child), 0);
  });

  t.test('what is still owed when the container has ended is delivered', async (t) => {
    const words = stage.command('run', [
      '--rm',
      reference,
      'sh',
      '-c',
      'head -c 100000 /dev/zero; echo end >&2',
    ]);
    const late = spawnSync('bash', ['-c', '"$@" | (sleep 0.7; wc -c)', 'bash', ...words], {
      encoding: 'utf8',
    });
    t.match(late, { stdout: '100000\n', stderr: 'end\n' });
  });

  t.test("stdout and stderr stay apart, and the status is the container's", async (t) => {
    const { stdout, stderr, status } = stage.berth(
      'run',
      '--rm',
      reference,
      'sh',
      '-c',
      'echo out; echo err >&2; printf tail; exit 3',
    );
    t.match({ stdout, stderr, status }, { stdout: 'out\ntail', stderr: 'err\n', status: 3 });
  });

  t.test('a reader that leaves ends a program that only writes', async (t) => {
    const words = stage.command('run', ['--rm', reference, 'yes']);
    const { stdout, status } = spawnSync(
      'bash',
      ['-c', 'set -o pipefail; "$@" | head -1', 'bash', ...words],
      { encoding: 'utf8', timeout: 20_000 },
    );
    t.equal(stdout, 'y\n');
    // To pid 1 the kernel sends no SIGPIPE: it sees EPIPE (pid_namespaces(7)).
    t.ok(status === 1 || status === 141, `status ${status}`);
  });

  t.test('a full disk behind stdout is told, and is no success', async (t) => {
    const words = stage.command('run', ['--rm', reference, 'yes']);
    const full = spawnSync('bash', ['-c', '"$@" >/dev/full', 'bash', ...words], { encoding: 'utf8' });
    t.match(full, { status: 125, stderr: /stdout: .*ENOSPC.*the program ended with status 1/ });
  });

  t.test('the log keeps streams, order and open lines', async (t) => {
    const container = await stage.start(
      ['sh', '-c', 'echo a; echo b >&2; printf "no end"; head -c 40000 /dev/zero | tr "\\0" x'],
      { remove: false, name: 'logged' },
    );
    await container.ended;
    const records = [...readLogs(stage.roots, container.id)];
    const of = (stream: string) => records.filter((each) => each.stream === stream);
    const text = of('stdout')
      .map(({ text, partial }) => `${text}${partial ? '' : '\n'}`)
      .join('');
    t.equal(text, `a\nno end${'x'.repeat(40000)}\n`);
    t.match(of('stderr'), [{ text: Buffer.from('b'), partial: false }]);
    t.ok(records.every(({ time }) => Math.abs(Date.parse(time) - Date.now()) < 60_000));
    const printed = stage.berth('logs', 'logged');
    t.equal(printed.stdout, text);
    t.equal(printed.stderr, 'b\n');
    t.equal(stage.berth('rm', 'logged').status, 0);
  });

  t.test('the log is capped and rotated, and every file starts with a whole record', async (t) => {
    const script = `BEGIN { x = sprintf("%1000s", ""); gsub(/ /, "x", x); for (i = 0; i < 60000; i++) { printf "%s %08d\\n", x, i; if (i % 1000 == 0) system("sleep 0.01") } }`;
    const container = await stage.start(['awk', script], { remove: false });
    const exit = await container.ended;
    const folder = path.join(places.container(stage.roots, container.id), 'logs');
    const files = readdirSync(folder).sort();
    t.ok(files.length > 1 && files.length <= 3, files.join(' '));
    for (const file of files) {
      const { size } = statSync(path.join(folder, file));
      t.ok(size <= 10 * MiB + 20_000, `${file}: ${size} bytes`);
      t.match(
        readFileSync(path.join(folder, file)).subarray(0, 42).toString(),
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout [FP] [x \d]/,
      );
    }
    // Nobody waits for the disk: some lines may be dropped. What is there is in order, and no line runs into another.
    const lines = linesOf([...readLogs(stage.roots, container.id)]);
    const numbers = lines.map((text) => Number(/^x{1000} (\d{8})$/.exec(text)?.[1]));
    const broken = lines.filter((text) => !/^x{1000} \d{8}$/.test(text));
    t.strictSame(
      broken.filter((text) => !/^x{0,1000}( \d{0,7})?$/.test(text)),
      [],
      `${broken.length} lines break off`,
    );
    const known = numbers.filter((number) => !Number.isNaN(number));
    t.ok(
      known.every((number, i) => i === 0 || number > (known[i - 1] ?? 0)),
      'in order across the files',
    );
    t.comment(`${known.length} lines logged, ${exit.log_bytes_dropped} bytes dropped`);
    if (exit.log_bytes_dropped === 0)
      t.equal(known.length, 1 + (known.at(-1) ?? 0) - (known[0] ?? 0), 'none is missing between');
    t.equal(stage.berth('rm', container.id).status, 0);
  });

  t.test('a full disk costs log lines, not time, and what is logged later is whole', async (t) => {
    const disk = path.join(stage.folder, 'small');
    mkdirSync(disk);
    const image = `${disk}.ext4`;
    spawnSync('truncate', ['-s', '24M', image]);
    t.equal(spawnSync('mkfs.ext4', ['-q', '-F', '-m', '0', '-O', '^has_journal', image]).status, 0);
    const mounted = spawnSync('mount', ['-o', 'loop', image, disk], { encoding: 'utf8' });
    if (mounted.status !== 0) {
      t.comment(`left out, for want of loop devices: ${mounted.stderr}`);
      return;
    }
    t.teardown(() => spawnSync('umount', [disk]));
    const small = await Stage.open(t, disk, stage.folder);

    // It fills the disk, writes on all the while, makes room and writes again. Held up by the full disk it would never end: nobody else makes room.
    const script = `go=; trap go=1 USR1
      seq 1 1000; until [ "$go" ]; do sleep 0.05; done; go=
      dd if=/dev/zero of=/fill bs=4k 2>/dev/null; seq 1001 60000; rm /fill
      until [ "$go" ]; do echo 60000; sleep 0.05; done; seq 60001 60100; echo done >&2`;
    const container = await small.start(['sh', '-c', script], { remove: false });
    const last = () => [...readLogs(small.roots, container.id)].at(-1)?.text.toString();
    await until(() => last() === '1000', 'all that came before is there');
    container.signal(constants.signals.SIGUSR1);
    await until(() => last() === '60000', 'it is logged again');
    container.signal(constants.signals.SIGUSR1);
    const exit = await container.ended;
    t.equal(exit.status, 0);
    t.ok(exit.log_bytes_dropped > 0, `${exit.log_bytes_dropped} bytes dropped`);
    t.comment(`${exit.log_bytes_dropped} bytes dropped`);
    const records = [...readLogs(small.roots, container.id)].map(({ text }) => text.toString());
    t.strictSame(
      // An empty one ends a line of which a part was dropped.
      records.filter((text) => !/^(\d{0,5}|done)$/.test(text)).map((text) => text.slice(0, 80)),
      [],
      'no record runs into another',
    );
    const numbers = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
    t.strictSame(records.slice(0, 1000), numbers(1, 1000), 'what came before is there');
    t.strictSame(
      records.slice(-101).sort(),
      [...numbers(60_001, 60_100), 'done'].sort(),
      'and what came after',
    );
    t.equal(small.berth('rm', container.id).status, 0);
  });
});

/** The lines of one stream, put together from their records. */
function linesOf(records: LogRecord[]): string[] {
  const lines: string[] = [];
  let open = '';
  for (const { text, partial } of records) {
    open += text.toString();
    if (partial) continue;
    lines.push(open);
    open = '';
  }
  return lines;
}

function exitOf(child: ReturnType<typeof spawn>): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', resolve));
}
