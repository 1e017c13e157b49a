// From two snapshots to figures, rows and tables: pure, on counters written down here.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { columns, columnsOf } from '../../src/inspect/columns.js';
import type { Snapshot, ThreadCounters } from '../../src/inspect/counters.js';
import { figuresOf, type TaskFigures } from '../../src/inspect/figures.js';
import { findTask } from '../../src/inspect/find-task.js';
import { documentOf } from '../../src/inspect/inspection.js';
import {
  averageMicrostates,
  type Microstates,
  threadMicrostates,
  threadStates,
} from '../../src/inspect/microstates.js';
import { bytes, decimal, duration, share } from '../../src/inspect/quantity.js';
import { tableOf } from '../../src/inspect/table.js';
import { process, recordedSample, recordedTasks, task, thread } from './recorded.js';

const running = 'R'.charCodeAt(0);

function sumOf(microstates: Microstates): number {
  return threadStates.reduce((sum, state) => sum + (microstates[state] ?? 0), 0);
}

/** A second look at a thread, `seconds` after the first. */
const later = (before: ThreadCounters, seconds: number, gained: Partial<ThreadCounters>): ThreadCounters => ({
  ...before,
  at: before.at + seconds,
  ...gained,
});

t.test("a thread's known parts sum to 1, whatever the counters do", async () => {
  const counter = fc.double({ min: 0, max: 100, noNaN: true });
  const counters = fc.record({
    on_cpu: fc.option(counter),
    waiting: fc.option(counter),
    block_io: fc.option(counter),
    paging: fc.option(counter),
    reclaim: fc.option(counter),
    user: counter,
    system: counter,
    voluntary: fc.nat(3),
    state: fc.constantFrom(running, 'S'.charCodeAt(0)),
  });
  // Counters that run backwards and intervals of nothing are among them: the kernel does both.
  const seconds = fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 200, noNaN: true }));
  fc.assert(
    fc.property(counters, counters, seconds, (first, second, interval) => {
      const before = thread(first);
      const states = threadMicrostates(before, later(before, interval, second));
      const known = threadStates.map((state) => states[state]).filter((value) => value !== null);
      for (const value of known) if (value < 0 || value > 1) return false;
      return known.length === 0 || Math.abs(sumOf(states) - 1) < 1e-9;
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(counters, seconds), { minLength: 1 }), (threads) => {
      const average = averageMicrostates(
        threads.map(([gained, interval]) => [
          threadMicrostates(
            thread({}),
            later(thread({}), interval, {
              ...gained,
              block_io: null,
              paging: null,
              waiting: gained.waiting ?? 0,
            }),
          ),
          1,
        ]),
      );
      return average.sleep === null || Math.abs(sumOf(average) - 1) < 1e-9;
    }),
  );
});

t.test('user and system split as the ticks do', async (t) => {
  const before = thread({ on_cpu: 10, user: 7.5, system: 2.5 });
  const ticked = threadMicrostates(before, later(before, 1, { on_cpu: 10.4, user: 7.6, system: 2.8 }));
  t.match(
    [ticked.user?.toFixed(6), ticked.system?.toFixed(6)],
    ['0.100000', '0.300000'],
    'those of the interval',
  );
  const quiet = threadMicrostates(before, later(before, 1, { on_cpu: 10.004 }));
  t.match([quiet.user?.toFixed(6), quiet.system?.toFixed(6)], ['0.003000', '0.001000'], 'or of its life');
  const plain = thread({ on_cpu: null, waiting: null });
  const old = threadMicrostates(plain, later(plain, 1, { user: 0.25, system: 0.5 }));
  t.match(
    old,
    { user: 0.25, system: 0.5, run_queue: null, sleep: 0.25 },
    'without schedstat, by the ticks alone',
  );
});

t.test('a wait that has not ended is a wait, not sleep', async (t) => {
  const before = thread({ state: running, voluntary: 5 });
  const held = { on_cpu: 0.1, waiting: 0.2, state: running, voluntary: 5 };
  const stillHeld = threadMicrostates(before, later(before, 1, held));
  t.match([stillHeld.run_queue?.toFixed(6), stillHeld.sleep], ['0.900000', 0]);
  const slept = threadMicrostates(before, later(before, 1, { ...held, voluntary: 6 }));
  t.match(
    [slept.run_queue, slept.sleep?.toFixed(6)],
    [0.2, '0.700000'],
    'unless it gave the CPU up meanwhile',
  );
  const asleep = { ...before, state: 'S'.charCodeAt(0) };
  t.match(threadMicrostates(asleep, later(asleep, 1, held)).run_queue, 0.2, 'or was asleep at first');
});

function figures(before: Partial<Snapshot>, after: Partial<Snapshot>): TaskFigures {
  const whole = (snapshot: Partial<Snapshot>, at: number): Snapshot => ({
    tasks: [task({ at })],
    processes: [process({ at })],
    threads: [thread({ at })],
    ...snapshot,
  });
  const [found] = figuresOf(whole(before, 100), whole(after, 101));
  if (found === undefined) throw new Error('one task was given');
  return found;
}

t.test('waits for storage and for memory', async (t) => {
  const before = thread({ block_io: 1, paging: 1, reclaim: 1 });
  const of = (gained: object) => threadMicrostates(before, later(before, 1, gained));
  t.match(
    of({ block_io: 1.5, paging: 1.25, reclaim: 1.125 }),
    { block_io: 0.25, memory_stall: 0.375, sleep: 0.375 },
    'reading a page back is a wait for memory, and told once',
  );
  t.match(
    of({ on_cpu: 0.75, reclaim: 1.5 }),
    { user: 0.75, memory_stall: 0.25, sleep: 0 },
    'reclaim on the CPU is told as CPU',
  );
  const unknown = thread({ block_io: 1 });
  t.match(threadMicrostates(unknown, later(unknown, 1, { block_io: 1.5 })), {
    block_io: 0.5,
    memory_stall: null,
  });
});

t.test('births, moves and numbers given again', async (t) => {
  const grown = { at: 101, on_cpu: 9, user: 9, waiting: 0.5, voluntary: 40, read_bytes: 300 };
  const of = (found: TaskFigures) => found.processes[0]?.threads[0]?.figures;

  const born = of(figures({ threads: [] }, { threads: [thread({ ...grown, start: 100.5, on_cpu: 0.25 })] }));
  t.match(
    born,
    { cpuPercent: 25, ioRead: 300, switchesVoluntary: 40 },
    'a birth counts from 0, over the interval',
  );
  t.match(
    born?.microstates,
    { user: 0.25 / 0.75, run_queue: 0.5 / 0.75 },
    'its microstates over its own life, or its work',
  );

  const moved = of(figures({ threads: [] }, { threads: [thread({ ...grown, start: 50 })] }));
  t.match(
    moved,
    { cpuPercent: null, cpuSeconds: 9, ioRead: null, microstates: { user: null, sleep: null } },
    'older but not seen before: no lifetime average is passed off as a rate',
  );

  const again = of(
    figures(
      { threads: [thread({ on_cpu: 500, start: 40 })] },
      { threads: [thread({ ...grown, start: 100.9, on_cpu: 0.1 })] },
    ),
  );
  t.match(again, { cpuPercent: 10 }, 'another thread with the same number is another thread');

  const reborn = figures(
    {},
    { processes: [process({ at: 101, start: 100.5, user: 0.5, read_bytes: 10 })], threads: [] },
  );
  t.match(reborn.processes[0]?.figures, { cpuPercent: 50, ioRead: 10 }, 'a process likewise');
  const joined = figures({ processes: [] }, { processes: [process({ at: 101, user: 90 })], threads: [] });
  t.match(joined.processes[0]?.figures, { cpuPercent: null, cpuSeconds: 90 });
});

t.test('CPU of a process: exact by its threads, unless some have ended', async (t) => {
  const busy = { at: 101, on_cpu: 0.4321, user: 0.43 };
  const exact = figures({}, { processes: [process({ at: 101, user: 0.42 })], threads: [thread(busy)] });
  t.equal(exact.processes[0]?.figures.cpuPercent?.toFixed(3), '43.210');
  const ended = figures({}, { processes: [process({ at: 101, user: 0.9 })], threads: [thread(busy)] });
  t.equal(ended.processes[0]?.figures.cpuPercent?.toFixed(3), '90.000');
});

t.test("what only the task's cgroup knows", async (t) => {
  const at = (counters: object, change: object) =>
    figures({ tasks: [task(counters)] }, { tasks: [task({ at: 101, ...counters, ...change })] }).figures;
  const all = at({ cpu: 5, throttled: 1, memory_stall: 2 }, { cpu: 6.5, throttled: 1.25, memory_stall: 2.5 });
  t.match(all, {
    cpuPercent: 150,
    cpuSeconds: 6.5,
    microstates: { throttled: 0.25, memory_stall: 0.5, sleep: 0.5 },
  });
  t.equal(sumOf(all.microstates), 1, 'the parts still make a whole');
  t.match(
    at({ throttled: 1 }, { throttled: 9 }).microstates.throttled,
    1,
    'the kernel adds up CPUs: at most all of the time',
  );
  t.match(at({ memory: 50, inactive_file: 20 }, {}), { memoryWorkingSet: 30, memoryLimit: null });
  t.match(at({}, {}), { memoryWorkingSet: null, microstates: { throttled: null, memory_stall: null } });
});

t.test('the recorded sample, as rows and as tables', async (t) => {
  const document = documentOf(recordedTasks, recordedSample, 'thread', 'host1');
  const members = columns.map(({ member }) => member.split('.')[0]);
  const contract = [
    'level',
    'id',
    'name',
    'parent_id',
    'node',
    'task_id',
    'zone',
    'image',
    'address',
    'ports',
    'pid',
    'nspid',
    'tid',
    'state',
    'start_time',
    'uptime_seconds',
    'cpu_percent',
    'cpu_seconds',
    'memory_rss',
    'memory_pss',
    'memory_working_set',
    'memory_limit',
    'threads',
    'processes',
    'fds',
    'io_read_bytes_per_second',
    'io_write_bytes_per_second',
    'faults_major_per_second',
    'switches_voluntary_per_second',
    'switches_involuntary_per_second',
    'microstates',
  ];
  t.same(new Set(members), new Set(contract), 'the columns explain each member');
  for (const row of document.rows) t.same(Object.keys(row), contract, `members of ${row.level} ${row.id}`);
  const byId = new Map(document.rows.map((row) => [row.id, row]));
  t.equal(byId.size, document.rows.length, 'ids are unique');
  for (const row of document.rows.filter(({ level }) => level !== 'task')) {
    t.ok(byId.has(row.parent_id ?? ''), `${row.id} belongs to a row`);
  }
  t.same(documentOf(recordedTasks, recordedSample, 'task', 'host1').rows.length, 3);
  t.match(document.sampling, {
    interval_seconds: 0.5,
    cost_cpu_seconds: 0.000412,
    threads_sampled: 5,
    sources: { run_queue: 'schedstat', memory_stall: 'memory.pressure', throttled: 'cgroup v1 cpu' },
  });

  const golden = readFileSync('test/inspect/recorded.txt', 'utf8');
  const shown = [
    tableOf(
      documentOf(recordedTasks, recordedSample, 'task', 'host1').rows,
      columnsOf('list', { pss: false }),
      false,
    ),
    tableOf(document.rows, columnsOf('tree', { pss: false }), false),
    tableOf(document.rows, columnsOf('tree', { pss: true }), true),
  ].join('\n');
  t.equal(shown, golden);
  for (const line of shown.split('\n')) t.ok(line.length <= 120, 'fits a terminal of 120 columns');
  t.notOk(shown.includes('\u001b'), 'the name of a thread cannot steer the terminal');
});

t.test('the manual explains every column in these words', async (t) => {
  const manual = readFileSync('docs/reference/ps.md', 'utf8');
  for (const { member, header, views, meaning } of columns) {
    const heading = views.length > 0 || member === 'memory_pss' || member === 'ports' ? header : '';
    t.ok(manual.includes(`| \`${member}\` | ${heading} | ${meaning} |`), member);
  }
});

t.test('quantities in few characters', async (t) => {
  t.same([null, 0, 5, 999, 1000, 1023.6, 9.9 * 1024, 10 * 1024, 5 * 2 ** 30].map(bytes), [
    '-',
    '0B',
    '5B',
    '999B',
    '1.0K',
    '1.0K',
    '9.9K',
    '10K',
    '5.0G',
  ]);
  t.same([null, 0, 0.0004, 0.004, 0.006, 0.994, 1].map(share), ['-', '0%', '0%', '<1%', '1%', '99%', '100%']);
  t.same([null, 0, 99.94, 999.96, 6400].map(decimal), ['-', '0.0', '99.9', '1000', '6400']);
  t.same([null, 0.9, 59, 65, 3600, 7260, 90_000].map(duration), [
    '-',
    '0s',
    '59s',
    '1m05s',
    '1h00m',
    '2h01m',
    '1d01h',
  ]);
});

t.test('finding the task that is meant', async (t) => {
  const [first, second, third] = recordedTasks;
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('three are recorded');
  t.equal(findTask(recordedTasks, 'cache'), second);
  t.equal(findTask(recordedTasks, '4f1'), first);
  t.equal(
    findTask([first, { ...third, name: '4f1' }], '4f1').id,
    third.id,
    'a name comes before a beginning',
  );
  t.throws(() => findTask(recordedTasks, 'nothing'), { code: 'CONTAINER_NOT_FOUND' });
  t.throws(() => findTask(recordedTasks, ''), { code: 'CONTAINER_NOT_FOUND' });
  t.throws(() => findTask([first, { ...third, id: '4f1d' }], '4f1'), { code: 'CONTAINER_AMBIGUOUS' });
  t.equal(findTask([first, { ...third, id: '4f1' }], '4f1').id, '4f1', 'a whole id is never ambiguous');
});
