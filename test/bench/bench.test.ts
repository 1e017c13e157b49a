import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { cpuMilliseconds } from '../../bench/cpu-time.js';
import { quoted, Shell } from '../../bench/peers/shell.js';
import { barPlot } from '../../bench/report/plot.js';
import { proportionalKilobytes } from '../../bench/resident.js';
import { alternate } from '../../bench/rounds.js';
import { type BenchDocument, compare, type Series } from '../../bench/row.js';
import { longestStall } from '../../bench/stall.js';
import { summarise } from '../../bench/statistics.js';
import { bareNode, berthCommand, project } from '../cli/berth.js';
import { until } from '../fixtures/until.js';
import { difference, takeInventory } from '../leaks/inventory.js';

const root = process.geteuid?.() === 0 ? false : 'needs root';
const { signal } = new AbortController();

t.test('a series of samples', async (t) => {
  t.strictSame(summarise([3]), { samples: 1, median: 3, min: 3, p90: 3 });
  t.strictSame(summarise([9, 1, 5]), { samples: 3, median: 5, min: 1, p90: 9 });
  t.strictSame(summarise([4, 1, 3, 2]), { samples: 4, median: 2.5, min: 1, p90: 4 });
  const ten = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1];
  t.strictSame(summarise(ten), { samples: 10, median: 5.5, min: 1, p90: 9 });
  t.equal(ten[0], 10, 'the samples keep their order');
  t.throws(() => summarise([]), RangeError);
});

t.test('a row compares medians, and its ratio is that of the figures shown', async (t) => {
  const series = (subject: string, median: number): Series => ({
    ...{ name: 'launch', subject, unit: 'ms', samples: 3 },
    ...{ median, min: 1, p90: 9 },
  });
  t.strictSame(compare(series('berth', 2.000_04), series('crun', 8)), {
    ...{ name: 'launch', peer: 'crun', unit: 'ms' },
    ...{ ours: 2, peer_value: 8, ratio: 0.25 },
  });
  t.match(compare(series('berth', 2), undefined), { peer: null, peer_value: null, ratio: null });
  t.match(compare(series('berth', 2), series('crun', 0)), { peer_value: 0, ratio: null });
});

t.test('subjects take turns, warm-ups do not count, an interruption ends it', async (t) => {
  const order: string[] = [];
  const subject = (name: string) => ({ name, measure: async () => order.push(name) });
  const options = { rounds: 2, warmUp: 1, gapMs: 0, signal };
  const samples = await alternate([subject('a'), subject('b')], options);
  t.equal(order.join(''), 'ababab');
  t.strictSame(samples, [
    [3, 5],
    [4, 6],
  ]);
  await t.rejects(alternate([subject('a')], { ...options, signal: AbortSignal.abort() }), {
    name: 'AbortError',
  });
  const start = performance.now();
  await alternate([subject('a')], { ...options, gapMs: 20 });
  t.ok(performance.now() - start >= 55, 'three gaps of 20 ms');
});

t.test('a stall is seen, and idling is none', async (t) => {
  const block = async (milliseconds: number) => {
    await sleep(5);
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
  };
  t.ok((await longestStall(() => block(60))) >= 59);
  // A busy host may take the processor away from any one look.
  await until(async () => (await longestStall(() => sleep(20))) < 20, 'idling is no stall');
});

t.test('CPU time of a shell counts what it has run; its failures are told', async (t) => {
  const shell = new Shell('host', { NODE_OPTIONS: '' });
  t.teardown(() => shell.close());
  const before = cpuMilliseconds(shell.pid);
  await shell.run(`${process.execPath} -e 'while (process.cpuUsage().user < 200_000);'`);
  const used = cpuMilliseconds(shell.pid) - before;
  t.ok(used >= 180, `${used} ms for a loop of 200 ms`);
  await t.rejects(shell.run('echo why >&2; false'), { message: 'echo ended with status 1: why' });
  await t.rejects(shell.run(`test ${quoted("it's")} = other`), { message: /status 1: it said nothing/ });
  await t.rejects(shell.run('exit 3'), { message: /status gone/ });
});

t.test('memory of a process', async (t) => {
  const own = proportionalKilobytes(process.pid);
  t.ok(own > 10_000 && own < process.memoryUsage().rss / 1024 + 1, `${own} kB`);
});

t.test('a plot escapes what it shows and leaves out what has no peer', async (t) => {
  const row = { name: 'a<b', peer: '"c"', unit: 'ms', ours: 1, peer_value: 2, ratio: 0.5 };
  const plot = barPlot([row, { ...row, name: 'alone', peer: null, peer_value: null, ratio: null }]);
  t.match(plot, /a&#60;b/);
  t.notMatch(plot, /a<b|alone/);
});

const others = new Set<string>();
/** What this file's benchmarks have left; that of the master, whose test may run meanwhile, has a name of its own. */
const benchFolders = () =>
  ['/var/tmp', '/run']
    .flatMap((parent) => readdirSync(parent))
    .filter((name) => /^berth-bench-(?!master-)/.test(name) && !others.has(name));
for (const name of benchFolders()) others.add(name);

/** What `act` leaves of a benchmark. */
function leavings(act: () => void): string[] {
  const before = takeInventory([]);
  act();
  return difference(before, takeInventory([])).filter((line) => /bench/.test(line));
}

t.test('berth bench density: rows, and nothing left', { skip: root }, async (t) => {
  const [file = '', ...words] = berthCommand;
  const flags = ['bench', 'density', '--json', '--quick', '--count', '12'];
  const left = leavings(() => {
    const { status, stdout, stderr } = spawnSync(file, [...words, ...flags], { encoding: 'utf8' });
    t.equal(status, 0, stderr);
    const { rows, details } = JSON.parse(stdout) as BenchDocument;
    const parts = ['memory.supervisor', 'memory.payload', 'memory.kernel', 'launch.rate', 'teardown.rate'];
    t.strictSame(
      rows.map(({ name }) => name),
      parts.map((part) => `density.${part}`),
    );
    t.equal(details.density?.containers, 12);
    t.equal(details.series.find(({ name }) => name === 'density.memory.supervisor')?.samples, 12);
    // Their program's pages are shared: 112 kB more, if they were not.
    const supervisor = rows.find(({ name }) => name === 'density.memory.supervisor')?.ours ?? 0;
    t.ok(supervisor > 0 && supervisor <= 80, `${supervisor} kB`);
    const skipped = details.skipped.some(({ peer }) => peer === 'podman');
    t.equal(rows[0]?.peer === null, skipped, 'podman is there, or said to be skipped');
    if (!skipped) t.match(rows[0]?.peer, /, 2 containers$/);
  });
  t.strictSame(left, [], 'no mount, cgroup or process of a benchmark');
  t.strictSame(benchFolders(), []);
});

t.test('berth bench launch: rows, report, and nothing left', { skip: root }, async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-report-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const before = takeInventory([]);
  const [file = '', ...words] = berthCommand;
  const flags = ['bench', 'launch', '--json', '--quick', '--report', folder];
  const { status, stdout, stderr } = spawnSync(file, [...words, ...flags], { encoding: 'utf8' });
  t.equal(status, 0, stderr);
  const { rows, details } = JSON.parse(stdout) as BenchDocument;
  for (const row of rows) {
    t.strictSame(Object.keys(row), ['name', 'peer', 'unit', 'ours', 'peer_value', 'ratio'], row.name);
    t.ok(row.ours > 0 || row.name === 'launch.true.cpu', `${row.name}: ${row.ours}`);
    if (row.peer_value !== null && row.ratio !== null) {
      t.ok(Math.abs(row.ratio / (row.ours / row.peer_value) - 1) < 0.001, 'the ratio is that of the figures');
    }
  }
  const names = ['launch.true.default', 'launch.true.default.idle'];
  // Only where the host can mount such a layer.
  if (rows.some(({ name }) => name === 'launch.true.erofs')) names.push('launch.true.erofs');
  names.push(
    'launch.runtime.run',
    'launch.true.cpu',
    'launch.rate.2',
    'launch.cold.run',
    'launch.cold.exec',
    'launch.event_loop_blocked',
    'memory.idle_container',
  );
  t.strictSame([...new Set(rows.map(({ name }) => name))], names);
  const skipped = new Set(details.skipped.map(({ peer }) => peer));
  for (const peer of ['crun', 'runc']) {
    const found = rows.some((row) => row.name === 'launch.true.default' && row.peer === peer);
    t.equal(found, !skipped.has(peer), `${peer} is there, or said to be skipped`);
  }
  t.equal(details.series.find(({ name }) => name === 'launch.true.default')?.samples, 5);

  t.match(
    readFileSync(path.join(folder, 'launch.html'), 'utf8'),
    /<svg[\s\S]*launch\.true\.default[\s\S]*<\/svg>/,
  );
  t.strictSame(JSON.parse(readFileSync(path.join(folder, 'launch.json'), 'utf8')), { rows, details });
  t.strictSame(benchFolders(), []);
  const left = difference(before, takeInventory([])).filter((line) => /bench/.test(line));
  t.strictSame(left, [], 'no mount, cgroup or process of a benchmark');
});

t.test('Ctrl-C ends it and clears up; mistakes are told', { skip: root }, async (t) => {
  const [file = '', ...words] = [...bareNode, `${project}dist/bench/main.js`];
  const before = takeInventory([]);
  for (const [when, ...args] of [
    ['measuring', 'launch'],
    ['100 containers run', 'density', '--quick', '--count', '1000'],
  ] as const) {
    const child = spawn(file, [...words, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [output, said] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    let interrupted = false;
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk;
      // Once: a program that is ending already has no handler any more.
      if (!interrupted && said.includes(when)) interrupted = child.kill('SIGINT');
    });
    const [status] = await once(child, 'close');
    t.match({ status, output, said }, { status: 130, output: '', said: /berth: bench: interrupted\n$/ });
  }
  t.strictSame(
    difference(before, takeInventory([])).filter((line) => /bench/.test(line)),
    [],
  );
  t.strictSame(benchFolders(), []);

  for (const args of [[], ['frob'], ['launch', '--frob'], ['density', '--count', '0']]) {
    const refused = spawnSync(file, [...words, ...args], { encoding: 'utf8' });
    t.match(refused, {
      status: 125,
      stdout: '',
      stderr: /^berth: bench: .*\nSee berth bench (launch|density) --help\.\n$/,
    });
  }
});
