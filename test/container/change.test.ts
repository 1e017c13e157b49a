import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { findContainer, readContainer } from '../../src/containerizer/container/catalogue.js';
import { readLogs } from '../../src/containerizer/container/logs.js';
import { pauseContainer, unpauseContainer } from '../../src/containerizer/container/pause.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { signalContainer, stopContainer } from '../../src/containerizer/container/stop.js';
import { kernelSays, until } from './cgroup-files.js';
import { Stage, unlessRoot } from './stage.js';

const sleeper = ['sleep', '600'];
const SIGUSR1 = 10;
const SIGKILL = 9;

/** What can be changed of a container that runs. */
t.test('changes of a running container', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const found = (id: string) => findContainer(stage.roots, id);

  t.test('a paused container does nothing until it goes on', async (t) => {
    const { id, ended, signal } = await stage.start(['sh', '-c', 'while :; do :; done']);
    await pauseContainer(found(id));
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
    await t.rejects(pauseContainer(found(id)), { code: 'CONTAINER_STATE', why: 'it is paused already' });
    t.match(stage.berth('unpause', id), { status: 0, stdout: `${id}\n` });
    t.match(readContainer(stage.roots, id), { state: 'running', paused: false });
    await until(() => ticks()?.join() !== before?.join(), 'it goes on');
    t.throws(() => unpauseContainer(found(id)), { code: 'CONTAINER_STATE', why: 'it is not paused' });
    signal(SIGKILL);
    await ended;
    t.match(stage.berth('pause', id), { status: 125, stderr: /no container has that name or id/ });
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
      await pauseContainer(found(container.id));
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
    unpauseContainer(found(told.id));
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
