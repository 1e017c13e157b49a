import { readFileSync } from 'node:fs';
import t from 'tap';
import { listTasks } from '../../src/cli/host-tasks.js';
import { takeUsage, type Usage } from '../../src/inspect/usage.js';
import { kernelSays } from '../container/cgroup-files.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';

const MiB = 1 << 20;

t.test('what containers use', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  // So small a quota it runs into however little of a busy host it comes to have.
  const busy = await stage.start(
    ['sh', '-c', 'dd if=/dev/zero of=/dev/shm/x bs=1M count=8; sleep 600 & sleep 600 & while :; do :; done'],
    { cpus: 0.03, memory: 64 * MiB, name: 'busy' },
  );
  const idle = await stage.start(['sleep', '600'], { name: 'idle', network: 'host' });
  const used = async (name: string, interval = 0.3) =>
    (await takeUsage(listTasks(stage.roots), interval)).find((usage) => usage.name === name);
  const inUse = () =>
    Number(kernelSays(stage, busy.id, { v1: ['memory', 'memory.usage_in_bytes'], v2: 'memory.current' }));
  await until(() => inUse() > 8 * MiB, 'memory is filled');
  const throttled = () =>
    Number(
      /^nr_throttled (\d+)/m.exec(
        kernelSays(stage, busy.id, { v1: ['cpu', 'cpu.stat'], v2: 'cpu.stat' }) ?? '',
      )?.[1],
    );
  await until(() => throttled() > 0, 'it is held by its quota');

  await t.test('figures agree with the accounts of the kernel', async (t) => {
    const usage = await used('busy', 1);
    t.match(usage, { id: busy.id, state: 'running', memory_limit: 64 * MiB, processes: 3, threads: 3 });
    t.ok((usage?.memory_working_set ?? 0) > 8 * MiB && (usage?.memory_working_set ?? 0) <= 64 * MiB);
    t.ok(
      Math.abs((usage?.memory_percent ?? 0) - ((usage?.memory_working_set ?? 0) / (64 * MiB)) * 100) < 0.01,
    );
    t.ok((usage?.cpu_percent ?? 0) > 0, `${usage?.cpu_percent} % of a CPU`);
    t.ok((usage?.throttled ?? 0) > 0);
    t.equal(usage?.swap, 0);
    t.equal(usage?.net_received_bytes, 0, 'a network of its own, with nobody in it');
    t.type(usage?.io_read_bytes, 'number');
    t.match(await used('idle'), { processes: 1, threads: 1, net_received_bytes: null, net_sent_bytes: null });
    const { pid } = busy;
    const loopback = /^ *lo: *(\d+)/m.exec(readFileSync(`/proc/${pid}/net/dev`, 'utf8'))?.[1];
    t.equal(loopback, '0');
  });

  await t.test('pressure is that of the task', async (t) => {
    const place = `${listTasks(stage.roots).find(({ id }) => id === busy.id)?.cgroup.procs}/cpu.pressure`;
    let told: string;
    try {
      told = readFileSync(place, 'utf8');
    } catch {
      return t.comment('this kernel has no pressure of cgroups');
    }
    t.match(told, /^some /);
    const { pressure } = (await used('busy')) ?? {};
    for (const kind of ['cpu', 'memory', 'io'] as const) {
      for (const part of ['some', 'full'] as const) {
        const value = pressure?.[kind][part] ?? -1;
        t.ok(value >= 0 && value <= 1, `${kind} ${part}: ${value}`);
      }
    }
  });

  await t.test('the verb: a table, and one object a line', async (t) => {
    const { stdout, status } = stage.berth('stats', '--no-stream', '--interval', '0.1', 'busy');
    t.equal(status, 0);
    t.match(stdout, /^ID +NAME +CPU% .*\n[0-9a-f]{12} +busy .*64M/);
    t.equal(stdout.trimEnd().split('\n').length, 2);
    const lines = stage
      .berth('stats', '--no-stream', '--json', '--interval', '0.1')
      .stdout.trimEnd()
      .split('\n');
    const usages = lines.map((line) => JSON.parse(line) as Usage);
    t.strictSame(usages.map(({ name }) => name).sort(), ['busy', 'idle']);
    const template = 'table {{.Name}}\t{{.ID}}\t{{.MemUsage}}\t{{.CPUPerc}}\t{{.PIDs}}';
    const once = ['--no-stream', '--interval', '0.1', '--no-trunc', 'busy'];
    const formed = stage.berth('stats', '--format', template, ...once);
    t.match(
      formed.stdout,
      new RegExp(`^NAME +ID +MEMUSAGE +CPUPERC +PIDS\\nbusy +${busy.id} +\\S+ / 64M +[0-9.]+% +\\d+\\n$`),
    );
    t.match(stage.berth('stats', 'nobody'), { status: 125, stderr: /^berth: container nobody: / });
  });

  await t.test('a stream ends with the containers that it was asked for', async (t) => {
    const child = stage.spawn('stats', '--json', '--interval', '0.1', 'idle');
    let rows = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      const before = rows;
      rows += chunk.toString().split('\n').length - 1;
      if (before < 2 && rows >= 2) idle.signal(9);
    });
    t.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
    t.ok(rows >= 2, `${rows} rows`);
    await idle.ended;
  });

  busy.signal(9);
  await busy.ended;
});
