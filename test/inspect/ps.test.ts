// `berth ps` as a user calls it, on containers that stand in files as their supervisors leave them.
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import type { InspectionDocument } from '../../src/inspect/row.js';
import { places } from '../../src/state/roots.js';
import { Loads } from './load.js';
import { containerAt, stageContainer } from './staged.js';

const loads = new Loads();
t.teardown(() => loads.endAll());
const roots = { root: path.join(loads.folder, 'root'), state: path.join(loads.folder, 'state') };
const run = promisify(execFile);

/** tap hooks its own loader into every Node below it, which a program without an extension does not survive. */
const plainly = ['-u', 'NODE_OPTIONS'];

async function berth(...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  const command = [...plainly, 'bin/berth', 'ps', ...args, '--root', roots.root, '--state', roots.state];
  try {
    return { ...(await run('env', command)), code: 0 };
  } catch (error) {
    return error as { stdout: string; stderr: string; code: number };
  }
}

async function rowsOf(...args: string[]): Promise<InspectionDocument> {
  const { stdout } = await berth(...args, '--json');
  return JSON.parse(stdout) as InspectionDocument;
}

const web = '4f1c9a0d2b7e4f1c9a0d2b7e4f1c9a0d';
const idle = '4f99aa0d2b7e4f1c9a0d2b7e4f1c9a0d';
const done = '77ff9a0d2b7e4f1c9a0d2b7e4f1c9a0d';

t.test('nothing runs', async (t) => {
  t.match(await berth(), { code: 0, stdout: /^ID +NAME .*\n$/ });
  t.match(await rowsOf(), { sampling: { threads_sampled: 0 }, rows: [] });
  t.match(await berth('-q'), { code: 0, stdout: '' });
  t.match(await berth('web'), {
    code: 125,
    stderr: 'berth: container web: no container has that name or id\nSee berth ps -a.\n',
  });
});

t.test('running and ended containers', async (t) => {
  const busy = await loads.start(['parser:spin', 'epoll:sleep']);
  const quiet = await loads.start(['nap:sleep']);
  const ended = await loads.start(['gone:sleep']);
  stageContainer(roots, web, 'web', busy, { layout: 'none' });
  stageContainer(roots, idle, 'idle', quiet, { layout: 'none' });
  stageContainer(roots, done, 'done', ended, { layout: 'none' });
  await loads.end(ended);
  const exit = {
    format: 1,
    status: 0,
    signal: null,
    oom_killed: false,
    finished_at: new Date().toISOString(),
  };
  writeFileSync(path.join(places.run(roots, done), 'exit.json'), JSON.stringify(exit));

  t.equal((await berth('-q')).stdout, `${web.slice(0, 12)}\n${idle.slice(0, 12)}\n`);
  t.equal((await berth('-aq', '--no-trunc')).stdout, `${web}\n${idle}\n${done}\n`);
  t.match(JSON.parse((await berth('-q', '--json')).stdout), {
    sampling: null,
    rows: [{ id: web }, { id: idle }],
  });
  // No sampling: not even an interval longer than this test is waited for.
  t.equal((await berth('-q', '--interval', '3600')).code, 0);

  const list = await rowsOf('-a', '--interval', '0.3');
  t.match(
    list.rows.map(({ level, name, state }) => [level, name, state]),
    [
      ['task', 'web', 'running'],
      ['task', 'idle', 'running'],
      ['task', 'done', 'exited'],
    ],
  );
  const [first, second, third] = list.rows;
  // Two threads, one of which sleeps; what others of this machine take from the busy one it waits for.
  const { user, system, run_queue } = first?.microstates ?? {};
  t.ok((user ?? 0) + (system ?? 0) + (run_queue ?? 0) > 0.25, `web is busy: ${first?.cpu_percent}`);
  t.ok((second?.cpu_percent ?? 100) < 1, `idle is not: ${second?.cpu_percent}`);
  t.match(third, {
    cpu_percent: null,
    pid: null,
    uptime_seconds: null,
    microstates: { user: null, sleep: null },
  });
  t.ok(
    Math.abs(list.sampling.interval_seconds - 0.3) < 0.1,
    `as long as asked: ${list.sampling.interval_seconds}`,
  );
  t.ok(list.sampling.cost_cpu_seconds > 0 && list.sampling.cost_cpu_seconds < 1);

  const processes = await rowsOf('web', '--interval', '0.1');
  t.same(
    processes.rows.map(({ level }) => level),
    ['task', 'process'],
  );
  t.match(processes.rows[1], { pid: busy, threads: 3, parent_id: web, memory_pss: null, tid: null });
  const threads = await rowsOf(web.slice(0, 4), '--threads', '--interval', '0.1', '--pss');
  t.same(
    threads.rows.map(({ level }) => level),
    ['task', 'process', 'thread', 'thread', 'thread'],
  );
  t.ok((threads.rows[1]?.memory_pss ?? 0) > 0);
  t.same(
    threads.rows
      .slice(2)
      .map(({ name }) => name)
      .sort(),
    ['epoll', 'load', 'parser'],
  );
  for (const { microstates } of threads.rows.slice(2)) {
    const { user, system, run_queue, block_io, sleep } = microstates;
    const sum = (user ?? 0) + (system ?? 0) + (run_queue ?? 0) + (block_io ?? 0) + (sleep ?? 0);
    t.ok(Math.abs(sum - 1) < 0.001, `a whole: ${sum}`);
    t.equal(microstates.throttled, null);
  }
  const tree = (await berth('web', '--threads', '--interval', '0.1')).stdout;
  t.match(tree, /^NAME .*\nweb .*\n {2}load .*\n {4}load /);
  t.match(tree, /\n {4}parser .* running +\d+\.\d /);
  t.match(await berth('done'), { code: 0, stdout: /^NAME.*\ndone .* exited .*\n$/ });

  t.match(await berth('4f'), {
    code: 125,
    stderr: /^berth: container 4f: 2 containers have ids that begin so\n/,
  });
  for (const wrong of ['0', '-1', '', 'soon', '1e9']) {
    t.match(
      await berth('--interval', wrong),
      { code: 125, stderr: /^berth: ps: .*0\.01 to 86400/ },
      `interval ${wrong}`,
    );
  }

  await t.test('a task whose supervisor vanished is brought to its end', async (t) => {
    await loads.end(quiet);
    t.match((await rowsOf('idle')).rows, [{ state: 'exited', pid: null, cpu_percent: null }]);
    t.equal((await berth('-q')).stdout, `${web.slice(0, 12)}\n`);
  });

  await t.test('damaged state is named', async (t) => {
    writeFileSync(path.join(places.run(roots, idle), 'state.json'), '{"for');
    t.match(await berth(), { code: 0, stderr: /^berth: .*state\.json: it is not valid JSON\n/ });
    rmSync(places.run(roots, idle), { recursive: true });
  });
  await loads.end(busy);
});

t.test('more threads than descriptors', async (t) => {
  const count = 300;
  const many = await loads.start(Array.from({ length: count }, (_, index) => `t${index}:sleep`));
  stageContainer(roots, 'ab12', 'many', many, { layout: 'none' });
  const args = [
    'ps',
    'many',
    '--threads',
    '--json',
    '--interval',
    '0.05',
    '--root',
    roots.root,
    '--state',
    roots.state,
  ];
  const script = 'ulimit -n 128; exec env -u NODE_OPTIONS bin/berth "$@"';
  const { stdout } = await run('sh', ['-c', script, 'sh', ...args], { maxBuffer: 1 << 24 });
  const { rows } = JSON.parse(stdout) as InspectionDocument;
  const threads = rows.filter(({ level }) => level === 'thread');
  t.equal(threads.length, count + 1, 'each is seen');
  t.notOk(
    threads.some(({ microstates }) => microstates.sleep === null || microstates.run_queue === null),
    'twice',
  );
  await loads.end(many);
});

t.test('a container known only from its durable folder, and one that has not started', async (t) => {
  const folder = places.container(roots, 'cd34');
  mkdirSync(folder, { recursive: true });
  const container = containerAt('cd34', 'old', '2026-01-01T00:00:00Z');
  writeFileSync(path.join(folder, 'container.json'), JSON.stringify(container));
  t.match((await rowsOf('old')).rows, [{ state: 'exited', pid: null }]);
  mkdirSync(places.run(roots, 'cd34'), { recursive: true });
  t.match((await rowsOf('old', '--interval', '0.01')).rows, [{ state: 'created', pid: null, processes: 0 }]);
});
