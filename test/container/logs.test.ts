import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { instant } from '../../src/cli/instant.js';
import { LogTape } from '../../src/containerizer/container/log-tape.js';
import { readLogs } from '../../src/containerizer/container/logs.js';
import { Stage, unlessRoot } from './stage.js';

const line = (n: number, flag = 'F', stream = 'stdout') =>
  `2026-01-01T00:00:${String(n % 60).padStart(2, '0')}.${String(n).padStart(9, '0')}Z ${stream} ${flag} line ${n}\n`;
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

t.test('a tape is read through rotation without a gap or an echo', async (t) => {
  const folder = t.testdir();
  const numbers = (tape: LogTape) =>
    [...tape.records()].map(({ text }) => Number(/\d+/.exec(text.toString('latin1'))?.[0]));
  const log = path.join(folder, 'log');
  writeFileSync(
    `${log}.1`,
    range(0, 10)
      .map((n) => line(n))
      .join(''),
  );
  writeFileSync(
    log,
    range(10, 20)
      .map((n) => line(n))
      .join(''),
  );
  const tape = new LogTape(folder);
  t.equal(
    tape.countLines(() => true),
    20,
  );
  t.strictSame(numbers(tape), range(0, 20));
  t.strictSame(numbers(tape), []);
  // The last lines before the rotation, two rotations, the beginning of a record, and its rest.
  appendFileSync(log, line(20));
  for (const [older, newer] of [
    ['.1', '.2'],
    ['', '.1'],
  ])
    renameSync(log + older, log + newer);
  writeFileSync(log, line(21));
  for (const [older, newer] of [
    ['.2', '.3'],
    ['.1', '.2'],
    ['', '.1'],
  ])
    renameSync(log + older, log + newer);
  writeFileSync(log, line(22) + line(23).slice(0, 44));
  t.strictSame(numbers(tape), [20, 21, 22]);
  appendFileSync(log, line(23).slice(44));
  t.strictSame(numbers(tape), [23]);
  t.notOk(tape.missed);
  tape.close();
});

t.test('times', async (t) => {
  t.equal(instant('2026-01-31T12:00:00.5+01:00'), '2026-01-31T11:00:00.500000000Z');
  t.equal(instant('1767225600'), '2026-01-01T00:00:00.000000000Z');
  t.ok(Math.abs(Date.parse(instant('1h30m')) - (Date.now() - 5_400_000)) < 60_000);
  for (const wrong of ['', 'x', '10', '2026-13-01', '10y'].filter((text) => text !== '10'))
    t.throws(() => instant(wrong), wrong);
});

t.test('berth logs', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const fake = await stage.start(['true'], { remove: false, name: 'fake' });
  await fake.ended;
  const folder = path.join(stage.roots.root, 'containers', fake.id, 'logs');
  mkdirSync(folder, { recursive: true });
  const long = `${line(2, 'P').trimEnd()}-\n${line(3).replace('line 3', 'joined')}`;
  writeFileSync(path.join(folder, 'log.1'), line(0) + line(1, 'F', 'stderr') + long);
  writeFileSync(
    path.join(folder, 'log'),
    Buffer.concat([
      Buffer.from(line(4).replace('line 4', '')),
      Buffer.from(line(5).replace('line 5\n', '')),
      Buffer.from([0xff, 0xfe, 0x0a]),
    ]),
  );
  const logs = (...args: string[]) => stage.berth('logs', ...args, 'fake');

  t.match(logs(), { stdout: /^line 0\nline 2-joined\n\n/, stderr: 'line 1\n', status: 0 });
  t.match(logs('--tail', '2').stdout, /^\n\ufffd\ufffd\n$/);
  t.equal(logs('-n', '0').stdout, '');
  t.match(logs('--tail', '3', '-t').stdout, /^2026-01-01T00:00:02.000000002Z line 2-joined\n2026/);
  t.equal(logs('--since', '2026-01-01T00:00:00Z', '--until', '2026-01-01T00:00:00Z').stdout, 'line 0\n');
  const objects = logs('--json')
    .stdout.trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as object);
  t.match(objects, [
    { stream: 'stdout', text: 'line 0', partial: false },
    { stream: 'stderr', text: 'line 1' },
    { text: 'line 2-joined', time: '2026-01-01T00:00:02.000000002Z' },
    { text: '' },
    { base64: '//4=' },
  ]);
  t.match(logs('--since', 'yesterday'), { status: 125, stderr: /10m/ });
  t.equal(stage.berth('rm', 'fake').status, 0);

  // Followed across rotations, at full speed, to the container's end: every line that is in the log is told once.
  const child = stage.spawn('run', '--name', 'fast', stage.image.reference, 'sh', '-c', 'seq 1 300000');
  let shown = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  t.equal(await new Promise((resolve) => child.once('close', resolve)), 0);
  t.equal(shown.trimEnd().split('\n').length, 300_000);
  const logged = [...readLogs(stage.roots, stage.berth('ps', '-a', '-q').stdout.trim())];
  t.equal(logged.at(-1)?.text.toString(), '300000', 'whoever reads all is given all in the log too');
  t.equal(logged.filter(({ partial }) => !partial).length, 300_000, 'no line is missing');
  t.equal(stage.berth('rm', 'fast').status, 0);

  const slow = await stage.start(
    ['sh', '-c', 'for i in $(seq 1 400); do echo $i; echo $i >&2; done; printf end'],
    {
      remove: false,
      name: 'slow',
    },
  );
  const followed = stage.berth('logs', '-f', 'slow');
  t.equal(followed.stdout, `${range(1, 401).join('\n')}\nend\n`);
  t.equal(followed.stderr, `${range(1, 401).join('\n')}\n`);
  await slow.ended;
  t.equal(stage.berth('rm', 'slow').status, 0);
});
