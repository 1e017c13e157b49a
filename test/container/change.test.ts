import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { findContainer, readContainer } from '../../src/containerizer/container/catalogue.js';
import { hold, isHeld, letGo } from '../../src/containerizer/container/cgroup-freezer.js';
import { type CgroupPlaces, cgroupPlaces } from '../../src/containerizer/container/cgroup-places.js';
import { readLogs } from '../../src/containerizer/container/logs.js';
import { pauseContainer, unpauseContainer } from '../../src/containerizer/container/pause.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { removeIfEmpty, sweepShared } from '../../src/containerizer/container/shared-sweep.js';
import { signalContainer, stopContainer } from '../../src/containerizer/container/stop.js';
import { updateContainer } from '../../src/containerizer/container/update.js';
import { detectCgroupLayout } from '../../src/containerizer/host/cgroup-layout.js';
import type { RuntimeResources } from '../../src/oci-spec/runtime.js';
import { until } from '../fixtures/until.js';
import { kernelSays, version } from './cgroup-files.js';
import { Stage, unlessRoot } from './stage.js';

const sleeper = ['sleep', '600'];
const MiB = 1 << 20;
const SIGUSR1 = 10;
const SIGKILL = 9;

/** What can be changed of a container that runs. */
t.test('changes of a running container', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const found = (id: string) => findContainer(stage.roots, id);

  t.test('a paused container does nothing until it goes on', async (t) => {
    const { id, ended, signal } = await stage.start(['sh', '-c', 'while :; do :; done']);
    await pauseContainer(stage.roots, found(id));
    t.match(readContainer(stage.roots, id), { state: 'running', paused: true });
    t.match(kernelSays(stage, id, { v1: ['pids', 'pids.current'], v2: 'cgroup.events' }), /frozen 1|^\d+$/);
    const pid = found(id).process?.task.pid;
    const ticks = () =>
      /\) \S( \S+){10} (\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.slice(2);
    const before = ticks();
    await sleep(200);
    t.strictSame(ticks(), before, 'no CPU time passes');
    const [row] = (JSON.parse(stage.berth('ps', '--json').stdout) as { rows: { state: string }[] }).rows;
    t.equal(row?.state, 'paused');
    t.equal((JSON.parse(stage.berth('inspect', id).stdout) as { state: string }).state, 'paused');
    t.match(stage.berth('exec', id, 'true'), {
      status: 125,
      stderr: /: it is paused[^\n]*\nLet it go on first/,
    });
    await t.rejects(pauseContainer(stage.roots, found(id)), {
      code: 'CONTAINER_STATE',
      why: 'it is paused already',
    });
    t.match(stage.berth('unpause', id), { status: 0, stdout: `${id}\n` });
    t.match(readContainer(stage.roots, id), { state: 'running', paused: false });
    await until(() => ticks()?.join() !== before?.join(), 'it goes on');
    t.throws(() => unpauseContainer(stage.roots, found(id)), {
      code: 'CONTAINER_STATE',
      why: 'it is not paused',
    });
    signal(SIGKILL);
    await ended;
    t.match(stage.berth('pause', id), { status: 125, stderr: /no container has that name or id/ });
  });

  t.test('limits change while it runs, and so does what is told of them', async (t) => {
    const container = await stage.start(sleeper, { memory: 64 * MiB, remove: false });
    const { id } = container;
    const says = (v1: readonly [string, string], v2: string) => kernelSays(stage, id, { v1, v2 });
    const told = () =>
      JSON.parse(stage.berth('inspect', id).stdout) as {
        limits: object;
        config: { linux: { resources: RuntimeResources } };
      };
    await updateContainer(stage.roots, found(id), {
      memory: 128 * MiB,
      memorySwap: 128 * MiB,
      pidsLimit: 77,
      memoryReservation: 32 * MiB,
    });
    t.equal(says(['memory', 'memory.limit_in_bytes'], 'memory.max'), `${128 * MiB}`);
    t.equal(
      says(['memory', 'memory.memsw.limit_in_bytes'], 'memory.swap.max'),
      version === 1 ? `${128 * MiB}` : '0',
    );
    t.equal(says(['memory', 'memory.soft_limit_in_bytes'], 'memory.low'), `${32 * MiB}`);
    t.equal(says(['pids', 'pids.max'], 'pids.max'), '77');
    // Below what memory and swap together were: the order matters to v1.
    await updateContainer(stage.roots, found(id), { memory: 32 * MiB, memorySwap: 48 * MiB });
    t.equal(says(['memory', 'memory.limit_in_bytes'], 'memory.max'), `${32 * MiB}`);

    // Hierarchies of v1 that it was not in.
    t.match(stage.berth('update', '--cpus', '0.5', '--cpuset-cpus', '0', id), {
      status: 0,
      stdout: `${id}\n`,
    });
    t.match(says(['cpu', 'cpu.cfs_quota_us'], 'cpu.max'), /^50000( 100000)?$/);
    t.match(readFileSync(`/proc/${container.pid}/status`, 'utf8'), /^Cpus_allowed_list:\t0$/m);
    if (version === 1)
      t.match(
        readFileSync(`/proc/${container.pid}/cgroup`, 'utf8'),
        new RegExp(`:cpu:/berth-.*/${id}$`, 'm'),
      );
    const sent = stage.berth('exec', id, 'grep', 'Cpus_allowed_list', '/proc/self/status');
    t.equal(sent.stdout, 'Cpus_allowed_list:\t0\n', 'who comes later is limited too');
    await updateContainer(stage.roots, found(id), { cpus: 0.25, resources: { cpu: { burst: 5000 } } });
    t.match(says(['cpu', 'cpu.cfs_quota_us'], 'cpu.max'), /^25000( 100000)?$/);
    t.equal(says(['cpu', 'cpu.cfs_burst_us'], 'cpu.max.burst'), '5000');
    // The burst is checked against the quota: lowered together, in whatever order.
    await updateContainer(stage.roots, found(id), { cpus: 0.02, resources: { cpu: { burst: 1000 } } });
    t.match(says(['cpu', 'cpu.cfs_quota_us'], 'cpu.max'), /^2000( 100000)?$/);
    const now = told();
    t.match(now.limits, { memory: 32 * MiB, pids: 77, cpus: 0.02 });
    t.match(now.config.linux.resources, {
      memory: { limit: 32 * MiB, swap: 48 * MiB, reservation: 32 * MiB },
      cpu: { quota: 2000, burst: 1000, cpus: '0' },
      pids: { limit: 77 },
    });

    // A refusal: what was written before it is taken back.
    await t.rejects(
      updateContainer(stage.roots, found(id), {
        memory: 64 * MiB,
        memorySwap: 96 * MiB,
        pidsLimit: 5,
        resources: { cpu: { burst: 90_000 } },
      }),
      { code: 'LIMIT_REFUSED', what: 'limit on CPU burst' },
    );
    t.equal(says(['memory', 'memory.limit_in_bytes'], 'memory.max'), `${32 * MiB}`);
    t.equal(says(['pids', 'pids.max'], 'pids.max'), '77');
    t.strictSame(told(), now, 'and nothing else is told');
    for (const [words, message] of [
      [['--memory', '64m'], /^berth: --memory 67108864: memory and swap together are limited to 50331648/],
      [['--memory-swap', '1m'], /^berth: --memory-swap 1048576: /],
      [['--cpuset-cpus', '4095'], /^berth: --cpuset-cpus 4095: /],
      [[], /^berth: update: nothing to change was given/],
    ] as const) {
      t.match(stage.berth('update', ...words, id), { status: 125, stderr: message });
    }
    container.signal(SIGKILL);
    await container.ended;
    await t.rejects(updateContainer(stage.roots, found(id), { cpus: 1 }), { code: 'CONTAINER_STATE' });
    await removeContainer(stage.roots, found(id), { force: false });
  });

  t.test('what a change left that came too late is swept away', async (t) => {
    const { later = {}, v1 } = cgroupPlaces(stage.roots, '0123456789ab');
    const [place] = [...Object.values(later), ...Object.values(v1)];
    if (place === undefined) return t.comment('no hierarchy of v1');
    mkdirSync(place, { recursive: true });
    sweepShared(stage.roots);
    t.notOk(existsSync(path.dirname(place)));
  });

  t.test('a limit below what is in use is refused, and nobody is killed', async (t) => {
    const container = await stage.start(
      ['sh', '-c', 'dd if=/dev/zero of=/dev/shm/x bs=1M count=24; echo full; sleep 600'],
      {
        memory: 64 * MiB,
        memorySwap: 64 * MiB,
      },
    );
    await until(
      () => [...readLogs(stage.roots, container.id)].some(({ text }) => text.toString() === 'full'),
      'it fills memory',
    );
    await t.rejects(
      updateContainer(stage.roots, found(container.id), { memory: 8 * MiB, memorySwap: 8 * MiB }),
      { code: 'LIMIT_REFUSED', what: 'limit on memory' },
    );
    t.equal(
      kernelSays(stage, container.id, { v1: ['memory', 'memory.limit_in_bytes'], v2: 'memory.max' }),
      `${64 * MiB}`,
    );
    container.signal(SIGKILL);
    t.match(await container.ended, { oom_killed: false });
  });

  t.test('the freezer of v1 holds where there is no unified hierarchy', async (t) => {
    const mount = detectCgroupLayout().v1.freezer;
    if (mount === undefined) return t.comment('this host has no v1 freezer');
    const place = path.join(mount, `berth-test-${process.pid}`);
    mkdirSync(place);
    const child = spawn('sleep', ['600']);
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    try {
      writeFileSync(path.join(place, 'cgroup.procs'), String(child.pid));
      const legacy: CgroupPlaces = {
        layout: 'legacy',
        unified: null,
        supervisors: null,
        scope: null,
        unifiedControls: false,
        v1: { freezer: place },
      };
      t.notOk(isHeld(legacy));
      t.ok(await hold(legacy));
      t.ok(isHeld(legacy));
      t.equal(readFileSync(path.join(place, 'freezer.state'), 'utf8').trim(), 'FROZEN');
      child.kill('SIGKILL');
      letGo(legacy);
      t.equal(await ended, 'SIGKILL', 'what was killed while it was held ends once it is let go');
    } finally {
      await until(() => removeIfEmpty(place), 'the cgroup is empty');
    }
  });

  t.test('whoever changes a container may be killed in the middle', async (t) => {
    const { id, signal, ended } = await stage.start(sleeper, { memory: 64 * MiB, remove: false });
    for (const [verb, ...flags] of [
      ['pause'],
      ['unpause'],
      ['update', '--pids-limit', '50', '--cpus', '1'],
    ]) {
      const child = stage.spawn(verb ?? '', ...flags, id);
      await sleep(Math.random() * 150);
      child.kill('SIGKILL');
      await new Promise((resolve) =>
        child.exitCode === null && child.signalCode === null ? child.once('exit', resolve) : resolve(null),
      );
      t.equal(found(id).state, 'running');
    }
    if (found(id).paused) unpauseContainer(stage.roots, found(id));
    await updateContainer(stage.roots, found(id), { pidsLimit: 60, cpus: 0.5 });
    t.equal(kernelSays(stage, id, { v1: ['pids', 'pids.max'], v2: 'pids.max' }), '60');
    signal(SIGKILL);
    await ended;
    await removeContainer(stage.roots, found(id), { force: false });
  });

  t.test('what is meant to end a paused container does', async (t) => {
    const asks = [
      'sh',
      '-c',
      'trap "exit 4" TERM; trap "exit 5" USR1; echo ready; while :; do sleep 0.05; done',
    ];
    const start = async (command: string[]) => {
      const container = await stage.start(command, { remove: false });
      if (command === asks)
        await until(() => [...readLogs(stage.roots, container.id)].length > 0, 'its traps are set');
      await pauseContainer(stage.roots, found(container.id));
      return container;
    };
    const killed = await start(sleeper);
    await signalContainer(stage.roots, found(killed.id), SIGKILL);
    t.match(await killed.ended, { status: 137 }, 'kill');
    const stopped = await start(asks);
    t.match(await stopContainer(stage.roots, found(stopped.id), { graceSeconds: 60 }), { status: 4 }, 'stop');
    const told = await start(asks);
    await signalContainer(stage.roots, found(told.id), SIGUSR1);
    t.ok(found(told.id).paused, 'another signal waits');
    unpauseContainer(stage.roots, found(told.id));
    t.match(await told.ended, { status: 5 });
    const removed = await start(sleeper);
    await removeContainer(stage.roots, found(removed.id), { force: true });
    t.match(await removed.ended, { status: 137 }, 'rm -f');
    const lost = await start(sleeper);
    process.kill(found(lost.id).process?.supervisor.pid ?? 0, 'SIGKILL');
    t.match(await lost.ended, { status: 137, reason: 'supervisor lost' });
    for (const { id } of [killed, stopped, told, lost]) {
      await removeContainer(stage.roots, found(id), { force: false });
      t.equal(readContainer(stage.roots, id), undefined);
    }
  });
});
