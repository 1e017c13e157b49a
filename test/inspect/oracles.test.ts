// What a sample of running containers says, beside the counters of their cgroups, /proc and pidusage over the same five seconds.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import pidusage from 'pidusage';
import t, { type Test } from 'tap';
import { listTasks } from '../../src/cli/host-tasks.js';
import { figuresOf } from '../../src/inspect/figures.js';
import { takeSample } from '../../src/inspect/sample.js';
import type { InspectedTask } from '../../src/inspect/task-source.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { loadProgram, sleep } from './load.js';

const interval = 5;
/** Two steps of the counters in /proc/PID/stat, which pidusage takes the difference of, in seconds. */
const ticks = 0.02;
const held = 64 << 20;
const loads = {
  busy: { threads: ['busy:spin'], options: {} },
  throttled: { threads: ['capped:spin'], options: { cpus: 0.3 } },
  sleeper: { threads: ['idle:sleep'], options: {} },
  // One that stays has a root that does as fsync says.
  writer: { threads: ['writer:write:4000000'], options: { remove: false } },
  holder: { threads: [`held:hold:${held}`], options: { memory: 256 << 20 } },
};
type Load = keyof typeof loads;

/** The number behind `key`, or the whole of a file that is one number. */
function counter(file: string, key?: string): number {
  const text = readFileSync(file, 'utf8');
  return Number(key === undefined ? text : new RegExp(`\\b${key}[ =](\\d+)`).exec(text)?.[1]);
}

/** The kernel's counters of a container's cgroup: seconds of CPU, bytes of memory in use, and bytes written where v2 counts them. */
function cgroupCounters({ cgroup }: InspectedTask) {
  const file = (controller: string, name: string) =>
    path.join(cgroup.controllers[controller]?.directory ?? '', name);
  if (cgroup.controllers.memory?.version === 2) {
    const written = file('io', 'io.stat');
    return {
      cpu: counter(file('cpu', 'cpu.stat'), 'usage_usec') / 1e6,
      memory:
        counter(file('memory', 'memory.current')) - counter(file('memory', 'memory.stat'), 'inactive_file'),
      written: existsSync(written) ? counter(written, 'wbytes') : Number.NaN,
    };
  }
  return {
    cpu: counter(file('cpuacct', 'cpuacct.usage')) / 1e9,
    memory:
      counter(file('memory', 'memory.usage_in_bytes')) -
      counter(file('memory', 'memory.stat'), 'total_inactive_file'),
    written: Number.NaN,
  };
}

/** What the kernel's counters say of each task, and when that was read. */
function readCounters(tasks: InspectedTask[]) {
  return tasks.map((task) => ({
    at: performance.now() / 1000,
    ...cgroupCounters(task),
    processWritten: counter(`/proc/${task.pid}/io`, 'write_bytes: *'),
  }));
}
type Counters = ReturnType<typeof readCounters>[number];

/** Within 5 %, and `slack`. */
function near(t: Test, found: number | null | undefined, wanted: number, what: string, slack = 0) {
  const off = Math.abs((found ?? Number.NaN) - wanted);
  t.ok(off <= 0.05 * wanted + slack, `${what}: ${found} beside ${wanted}, give or take ${slack}`);
}

t.test('containers beside their cgroups and pidusage', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const image = await stage.makeImage([{ name: 'load', content: readFileSync(loadProgram), mode: 0o755 }]);
  for (const [name, { threads, options }] of Object.entries(loads)) {
    await stage.start(['/load', ...threads], { ...options, name, env: ['TMPDIR=/'] }, image);
  }
  const tasks = listTasks(stage.roots);
  t.equal(tasks.length, 5);
  await sleep(1);

  // Each snapshot between two readings of the counters: on a slow host the readings take long, and what a rate may be is then known
  // less well, but never wrongly.
  const pids = tasks.map(({ pid }) => pid ?? 0);
  const once = { intervalSeconds: 0, pss: false, threads: true };
  const began = performance.now() / 1000;
  await pidusage(pids);
  const readings = [readCounters(tasks)];
  const first = (await takeSample(tasks, once)).snapshots[0];
  readings.push(readCounters(tasks));
  await sleep(interval);
  readings.push(readCounters(tasks));
  const second = (await takeSample(tasks, once)).snapshots[0];
  readings.push(readCounters(tasks));
  const usage = await pidusage(pids);
  const done = performance.now() / 1000;
  if (first === undefined || second === undefined) throw new Error('a snapshot was asked for');
  const figures = figuresOf(first, second);

  const of = (name: Load) => {
    const index = tasks.findIndex((task) => task.name === name);
    const [a, b, c, d] = readings.map((each) => each[index]) as [Counters, Counters, Counters, Counters];
    const [task, other] = [figures[index], usage[pids[index] ?? 0]];
    if (task === undefined || other === undefined) throw new Error(`no ${name}`);
    /** The least and the most that a counter's rate can have been between the snapshots. */
    const rate = (key: 'cpu' | 'written' | 'processWritten') =>
      [(c[key] - b[key]) / (d.at - a.at), (d[key] - a[key]) / (c.at - b.at)] as const;
    return {
      task: task.figures,
      process: task.processes[0]?.figures,
      c,
      d,
      other,
      rate,
      doubt: done - began - (c.at - b.at),
    };
  };
  const within = (found: number | null, [least, most]: readonly [number, number], what: string) =>
    t.ok(
      found !== null && found >= 0.95 * least && found <= 1.05 * most,
      `${what}: ${found} in ${least} to ${most}`,
    );

  for (const name of ['busy', 'throttled'] as const) {
    const { task, process, c, d, other, rate, doubt } = of(name);
    const [least, most] = rate('cpu');
    within(task.cpuPercent, [least * 100, most * 100], `CPU of ${name}, beside its cgroup`);
    within(task.cpuSeconds, [c.cpu, d.cpu], `CPU seconds of ${name}, beside its cgroup`);
    near(
      t,
      process?.cpuPercent,
      other.cpu,
      `CPU of ${name}, beside pidusage`,
      ((ticks + doubt) / interval) * 100,
    );
  }
  t.ok((of('sleeper').task.cpuPercent ?? 100) < 0.1, 'a sleeper takes none');
  const { task: writer, rate } = of('writer');
  t.ok(rate('processWritten')[0] > 0, 'it writes');
  within(writer.ioWrite, rate('processWritten'), 'bytes written, beside /proc');
  if (!Number.isNaN(rate('written')[0]))
    within(writer.ioWrite, rate('written'), 'bytes written, beside the cgroup');
  const { task: holder, process, d, other } = of('holder');
  near(t, process?.memoryRss, held, 'memory, beside what was allocated');
  near(t, process?.memoryRss, other.memory, 'memory, beside pidusage');
  near(t, holder.memoryWorkingSet, d.memory, 'working set, beside the cgroup');
});
