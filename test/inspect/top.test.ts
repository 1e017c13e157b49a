import t from 'tap';
import { Keyboard } from '../../src/cli/keyboard.js';
import { columnNamed, ordered } from '../../src/inspect/order.js';
import type { InspectionDocument, Row } from '../../src/inspect/row.js';
import { frameOf, type Size } from '../../src/inspect/top-frame.js';
import { type Action, act, type Looked, rowsShown, type TopView } from '../../src/inspect/top-view.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { Person } from '../fixtures/person.js';

const nothing = {
  user: null,
  system: null,
  run_queue: null,
  block_io: null,
  memory_stall: null,
  sleep: null,
  throttled: null,
};

function row(level: Row['level'], id: string, parent: string, cpu: number | null, name = id): Row {
  const numbers = [...id.split('/').map(Number), 0, 0];
  return {
    ...{ level, id, name, parent_id: parent, node: 'host', task_id: id.split('/')[0] ?? id, zone: null },
    ...{ image: 'image:latest', address: null, ports: null, pid: numbers[1] ?? null, nspid: 1 },
    ...{ tid: numbers[2] ?? null, state: 'running', start_time: null, uptime_seconds: 100 },
    ...{ cpu_percent: cpu, cpu_seconds: 1, memory_rss: 1 << 20, memory_pss: null, memory_working_set: null },
    ...{ memory_limit: null, threads: 2, processes: 1, fds: 3, io_read_bytes_per_second: 0 },
    ...{ io_write_bytes_per_second: 0, faults_major_per_second: 0, switches_voluntary_per_second: 0 },
    ...{
      switches_involuntary_per_second: 0,
      microstates: { ...nothing, user: cpu === null ? null : cpu / 100 },
    },
  };
}

const rows = [
  row('task', 'a', 'host', 1, 'quiet'),
  row('process', 'a/10', 'a', 1, 'sh'),
  row('thread', 'a/10/10', 'a/10', 1, 'sh'),
  row('task', 'b', 'host', 90, 'busy'),
  row('process', 'b/20', 'b', 30, 'one'),
  row('thread', 'b/20/20', 'b/20', 30, 'one'),
  row('process', 'b/30', 'b', 60, 'two'),
  row('thread', 'b/30/30', 'b/30', 20, 'two'),
  row('thread', 'b/30/31', 'b/30', 40, 'worker'),
  row('task', 'c', 'host', null, 'unknown'),
];
const document: Looked = {
  of: null,
  sampling: {
    interval_seconds: 1,
    cost_cpu_seconds: 0.001,
    threads_sampled: 4,
    sources: {
      cpu: null,
      run_queue: null,
      block_io: null,
      memory_stall: null,
      throttled: null,
      memory: null,
    },
  },
  rows,
};
const start: TopView = {
  task: null,
  process: null,
  threads: false,
  cluster: false,
  order: { member: 'cpu_percent', reverse: false },
  selected: null,
  paused: false,
  help: false,
};
const ids = (view: TopView) => rowsShown(view, document).map(({ id }) => id);
const pressed = (view: TopView, ...actions: Action[]) =>
  actions.reduce((now, action) => act(now, action, rowsShown(now, document), 2), view);
const facts = { time: '12:00:00', ownPercent: 0.4, message: '' };
const screen = (view: TopView, size: Size) => frameOf(view, document, facts, size);

t.test('down from tasks to threads, and back up', (t) => {
  t.strictSame(ids(start), ['b', 'a', 'c'], 'the busiest first, the unknown last');
  const task = pressed(start, 'open');
  t.strictSame(ids(task), ['b/30', 'b/20']);
  const process = pressed(task, 'open');
  t.strictSame(ids(process), ['b/30/31', 'b/30/30']);
  t.strictSame(pressed(process, 'open'), process, 'there is nothing below a thread');
  t.match(pressed(process, 'back'), { task: 'b', process: null, selected: 'b/30' });
  t.match(pressed(process, 'back', 'back', 'down'), { task: null, selected: 'a' });
  t.strictSame(ids(pressed(start, 'threads')).slice(0, 4), ['b', 'b/30', 'b/30/31', 'b/30/30']);
  t.strictSame(ids(pressed(task, 'threads', 'reverse')), ['b/20', 'b/20/20', 'b/30', 'b/30/30', 'b/30/31']);
  t.match(
    pressed(pressed(task, 'threads'), 'down', 'open'),
    { task: 'b' },
    'a thread of a tree opens nothing',
  );
  t.match(pressed(start, 'last', 'down', 'up'), { selected: 'a' });
  t.match(pressed(start, 'page-down', 'page-down'), { selected: 'c' });
  const pod: Looked = { ...document, of: 'a', rows: rows.slice(0, 6) };
  const inPod = (view: TopView) => rowsShown(view, pod).map(({ id }) => id);
  const opened = { ...start, task: 'a' };
  t.strictSame(inPod(opened), ['b', 'b/20', 'a', 'a/10'], 'a pod is shown with all of its containers');
  t.strictSame(inPod({ ...opened, threads: true }), ['b', 'b/20', 'b/20/20', 'a', 'a/10', 'a/10/10']);
  t.match(act(opened, 'open', rowsShown(opened, pod), 2), { task: 'b' }, 'and each of them alone');
  t.strictSame(
    rowsShown(opened, { ...pod, of: null }).map(({ id }) => id),
    ['a/10'],
    'what was looked at before is not all of it',
  );
  t.equal(pressed(start, 'sort').order.member, 'microstates.user');
  t.strictSame(pressed(start, 'help', 'pause', 'help', 'pause'), start);
  t.equal(columnNamed('rss')?.member, 'memory_rss');
  t.equal(columnNamed('run_queue')?.header, 'RUNQ');
  t.equal(columnNamed('colour'), undefined);
  t.strictSame(
    ordered(rows, { member: 'name', reverse: false })
      .filter(({ level }) => level === 'task')
      .map(({ name }) => name),
    ['busy', 'quiet', 'unknown'],
  );
  t.end();
});

t.test('every screen is filled, and none is overrun', (t) => {
  const views = [start, pressed(start, 'open'), pressed(start, 'open', 'open'), pressed(start, 'threads')];
  for (const view of [...views, { ...start, help: true }]) {
    for (const height of [1, 2, 3, 5, 8, 30]) {
      for (const width of [10, 24, 40, 80, 200]) {
        const lines = screen(view, { rows: height, columns: width });
        t.equal(lines.length, height);
        t.ok(lines.every(({ text }) => [...text].length <= width));
        const heading = lines.find(({ style }) => style === 'heading')?.text ?? '';
        t.match(heading, /^(ID +)?NAME/);
        // A column is whole, or not there.
        if (width >= 24) t.match(heading, / (CPU%|RSS|THR|WR\/s) *$/);
        if (!view.help && height > 1) t.equal(lines.filter(({ style }) => style === 'selected').length, 1);
      }
    }
  }
  const { rows: many } = { rows: Array.from({ length: 50 }, (_, at) => row('task', `t${at}`, 'host', at)) };
  const last = { ...start, selected: 't0' };
  const shown = frameOf(last, { ...document, rows: many }, facts, { rows: 10, columns: 80 });
  t.match(shown.find(({ style }) => style === 'selected')?.text, /^t0 /, 'what is selected is seen');
  t.match(shown[0]?.text, /^berth top 12:00:00 {2}50 tasks.*cost 1\.0ms, 0\.4%/);
  t.end();
});

t.test('keys, however their bytes arrive', (t) => {
  const keyboard = new Keyboard();
  t.strictSame(keyboard.read('q\u001b[A\u001bOB\r\u007f \u001b[5~'), [
    ...['q', 'up', 'down', 'enter', 'backspace', ' ', 'page-up'],
  ]);
  t.strictSame(
    [...keyboard.read('\u001b'), ...keyboard.read('['), ...keyboard.read('6~x')],
    ['page-down', 'x'],
  );
  t.strictSame(keyboard.read('\u001b[1;5Cé\u0003'), ['é', 'interrupt'], 'what is not known is passed over');
  t.strictSame([...keyboard.read('\u001b'), ...keyboard.read('q')], ['q'], 'an escape alone is nothing');
  t.end();
});

t.test('at a terminal', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { id } = await stage.start(['sh', '-c', 'while :; do :; done & exec sleep 1000'], {
    name: 'busy',
    remove: false,
  });
  const given = '\u001b[?25h\u001b[?1049l';

  t.test('from tasks to threads; the terminal is given back', async (t) => {
    const somebody = new Person(stage.command('top', ['--interval', '0.2']));
    await somebody.see('\u001b[?1049h');
    await somebody.see('all tasks');
    await somebody.see('busy');
    somebody.type('\r');
    await somebody.see('all tasks > busy');
    await somebody.see('sleep');
    somebody.type('\r');
    await somebody.see('(pid ');
    somebody.type('\u007f\u001b[D');
    await somebody.see('all tasks  by CPU%');
    somebody.type('?');
    await somebody.see('back up');
    somebody.type('?');
    somebody.resize();
    await somebody.see('\u001b[44;1H');
    somebody.type('q');
    await somebody.see(given);
    t.equal(await somebody.status, 0, 'and its mode is as it was');
  });

  t.test('however it ends', async (t) => {
    const interrupted = new Person(stage.command('top', ['busy', '--threads']));
    await interrupted.see('with threads');
    interrupted.type('\u0003');
    await interrupted.see(given);
    t.equal(await interrupted.status, 130);
    const terminated = new Person(stage.command('top', []));
    await terminated.see('busy');
    terminated.terminate();
    await terminated.see(given);
    t.equal(await terminated.status, 143);
  });

  t.test('looks that are printed', (t) => {
    const { stdout, status } = stage.berth(
      'top',
      ...['--batch', '2', '--interval', '0.1', '--json', '--sort', 'pid', 'busy'],
    );
    t.equal(status, 0);
    const looks = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as InspectionDocument & { time: string });
    t.equal(looks.length, 2);
    for (const look of looks) {
      t.match(look, { time: /Z$/, sampling: { interval_seconds: Number }, rows: [{ id, level: 'task' }] });
      t.match(
        look.rows
          .slice(1)
          .map(({ level, name }) => `${level} ${name}`)
          .sort(),
        ['process sh', 'process sleep'],
      );
      t.ok(look.rows.every(({ cpu_percent }) => cpu_percent !== null));
    }
    t.match(
      stage.berth('top', '--batch', '1', '--interval', '0.1').stdout,
      /Z {2}sampling .*ms\nID .*\n.*busy/,
    );
    t.match(stage.berth('top'), { status: 125, stderr: /not a terminal/ });
    t.match(stage.berth('top', '--sort', 'colour'), { status: 125, stderr: /no such column/ });
    t.match(stage.berth('top', '--batch', '1', 'nosuch'), { status: 125 });
    t.end();
  });
});
