import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, uptime } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { networkOf } from '../../src/agent/container/networks.js';
import { Alarms } from '../../src/agent/task/alarms.js';
import { recoveredOrder, uptimeAt } from '../../src/agent/task/kill-order.js';
import { unlessKilled } from '../../src/agent/task/unless-killed.js';
import { PersistentVolumes } from '../../src/agent/volumes/persistent-volumes.js';
import { listContainers } from '../../src/containerizer/container/catalogue.js';
import { cgroupDirectories, cgroupPlaces } from '../../src/containerizer/container/cgroup-places.js';
import type { ContainerInfo, Resource } from '../../src/mesos/messages.js';
import { places } from '../../src/state/roots.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { executor, StagedCluster } from './staged-cluster.js';

/** A registry that takes its time: until the test is over. */
async function slowRegistry(t: { after(call: () => void): void }) {
  const waiting: http.ServerResponse[] = [];
  const server = http.createServer((_, response) => void waiting.push(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.on('request', (_, response) => response.writeHead(404).end());
    for (const response of waiting) response.writeHead(404).end();
    server.close();
  });
  return { waiting, image: `127.0.0.1:${(server.address() as AddressInfo).port}/slow:1` };
}

t.test('what befalls one task', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await StagedCluster.open(t, stage, { executorRegistration: 60 });
  const docker = (image: string): ContainerInfo => ({ type: 'DOCKER', docker: { image } });
  const busy = { command: { value: 'sleep 1000' }, container: docker(stage.image.reference) };
  const running = () => listContainers(stage.roots, () => {}).filter(({ state }) => state === 'running');
  const of = (task: string) => {
    const id = cluster.status(task, 'TASK_RUNNING')?.container_status?.container_id?.value;
    return running().find(({ document }) => document.id === id);
  };
  const damage = (id: string) => writeFileSync(path.join(places.run(stage.roots, id), 'container.json'), '{');
  const gone = (pid: number) => until(() => !existsSync(`/proc/${pid}`), 'its program is gone');

  await t.test('a kill during a pull is heard at once', async (t) => {
    const { waiting, image } = await slowRegistry(t);
    const ran = executor('slow', 'true', { container: docker(image) });
    await cluster.launch({ name: 'pulled', command: { value: 'true' }, container: docker(image) });
    await cluster.launch({ name: 'of-executor', executor: ran });
    await until(() => waiting.length >= 2, 'both are asked for');
    for (const name of ['pulled', 'of-executor']) {
      await cluster.kill(name);
      t.match(await cluster.reaches(name, 'TASK_KILLED'), { reason: 'REASON_TASK_KILLED_DURING_LAUNCH' });
    }
    await until(() => cluster.agent.executors.executors().length === 0, 'nothing is left of the executor');
    const abort = new AbortController();
    const work = unlessKilled(abort.signal, () => Promise.reject(new Error('its own')));
    await t.rejects(work, { message: 'its own' });
  });

  await t.test('a kill while others are launched is heard at once', async (t) => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { launches } = cluster.agent;
    // As many as ever go at once, and more: whoever comes after them waits.
    const others = Array.from({ length: 2 * availableParallelism() }, () =>
      launches.take(new AbortController().signal, () => released),
    );
    await cluster.launch({ name: 'waits', ...busy });
    await cluster.reaches('waits', 'TASK_STARTING');
    await cluster.kill('waits');
    t.match(await cluster.reaches('waits', 'TASK_KILLED'), { reason: 'REASON_TASK_KILLED_DURING_LAUNCH' });
    release();
    await Promise.all(others);
    t.strictSame(running(), [], 'nothing was launched');
  });

  await t.test('an order that nobody foresaw does not end the agent', async (t) => {
    cluster.defects = [];
    const { agent } = cluster;
    const run = agent.run.bind(agent);
    agent.run = () => {
      throw new Error('unforeseen');
    };
    await cluster.launch({ name: 'unforeseen', command: { value: 'true' } });
    await until(() => cluster.defects?.length === 1);
    agent.run = run;
    t.ok(agent.link.subscribed);
  });

  await t.test('damaged records end a task, and not the agent', async (t) => {
    await cluster.launch(
      { name: 'damaged', ...busy },
      { name: 'sound', ...busy },
      { name: 'unwatched', ...busy },
    );
    for (const name of ['damaged', 'sound', 'unwatched']) await cluster.reaches(name, 'TASK_RUNNING');
    const damaged = of('damaged');
    const unwatched = of('unwatched');
    await cluster.stop();
    damage(damaged?.document.id ?? '');
    await cluster.start();
    t.match(await cluster.reaches('damaged', 'TASK_FAILED'), {
      reason: 'REASON_EXECUTOR_TERMINATED',
      message: /records of its container are damaged/,
    });
    await gone(damaged?.process?.task.pid ?? 0);
    // Its end cannot be told, since nothing can be read of it any more: whoever waits for it is told so.
    cluster.defects = [];
    damage(unwatched?.document.id ?? '');
    process.kill(unwatched?.process?.supervisor.pid ?? 0, 'SIGKILL');
    t.match(await cluster.reaches('unwatched', 'TASK_FAILED'), { reason: 'REASON_EXECUTOR_TERMINATED' });
    await gone(unwatched?.process?.task.pid ?? 0);
    cluster.defects = undefined;
    t.strictSame(cluster.states('sound'), ['TASK_STARTING', 'TASK_RUNNING']);
  });

  await t.test('an agent that drains makes no executor for what it drops', async (t) => {
    const { agent, framework } = cluster;
    agent.drain = {};
    const info = executor('phantom', 'true');
    const task = {
      name: 'late',
      task_id: { value: 'late' },
      agent_id: { value: agent.id ?? '' },
      executor: info,
    };
    agent.run({ user: 'root', name: 'tried', id: { value: framework.id } }, task);
    t.strictSame(agent.executors.executors(), []);
    agent.drain = undefined;
    let written = 0;
    const put = agent.records.putFramework.bind(agent.records);
    agent.records.putFramework = (...words) => {
      written++;
      put(...words);
    };
    const known = agent.frameworks.get(framework.id);
    if (known !== undefined) agent.know(structuredClone(known));
    t.equal(written, 0, 'what is known of a framework is written when it changes');
  });

  await t.test('an agent that has left ends what it ran, whatever comes between', async (t) => {
    await cluster.launch({ name: 'left', ...busy }, { name: 'left-too', command: { value: 'sleep 1000' } });
    await cluster.reaches('left', 'TASK_RUNNING');
    await cluster.reaches('left-too', 'TASK_RUNNING');
    const before = cluster.agent.id;
    // Killed as soon as it has been told.
    cluster.agent.leaving = true;
    cluster.agent.saveSelf();
    await cluster.agent.durable();
    await cluster.stop();
    const told = cluster.notes.length;
    await cluster.start();
    await until(() => cluster.left, 'it has left');
    t.equal(cluster.agent.link.master, undefined, 'it has spoken to no master');
    t.strictSame(listContainers(stage.roots), []);
    t.notMatch(cluster.notes.slice(told).join(), /registered|back at/);
    t.notMatch(cluster.states('left').join(), /KILLED|FAILED/);
    await cluster.stop();
    await cluster.start();
    await until(() => cluster.agent.id !== undefined, 'the next one is a new agent');
    t.not(cluster.agent.id, before);
    t.equal(cluster.agent.leaving, false);
  });
});

t.test('an agent that is told to leave says nothing more', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await StagedCluster.open(t, stage, {}, { capabilities: [{ type: 'PARTITION_AWARE' }] });
  await cluster.launch({
    name: 'gone',
    command: { value: 'sleep 1000' },
    container: { type: 'DOCKER', docker: { image: stage.image.reference } },
  });
  const { agent_id } = await cluster.reaches('gone', 'TASK_RUNNING');
  const { master, agent } = cluster;
  const answer = await fetch(`${master.url}/api/v1`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id } }),
  });
  t.equal(answer.status, 200);
  await until(() => cluster.left, 'it has left');
  t.equal(agent.link.subscribed, false);
  t.strictSame(listContainers(stage.roots), []);
  const ends = cluster.framework
    .states('gone')
    .filter((state) => state !== 'TASK_STARTING' && state !== 'TASK_RUNNING');
  t.strictSame([...new Set(ends)], ['TASK_GONE_BY_OPERATOR']);
  t.equal(cluster.notes.filter((note) => /registered as/.test(note)).length, 1);
});

t.test(
  'what its containers shared goes with an agent, also if nobody acknowledged the last end',
  unlessRoot,
  async (t) => {
    const stage = await Stage.open(t);
    const cluster = await StagedCluster.open(t, stage);
    cluster.framework.acknowledges = false;
    await cluster.launch({ name: 'unheard', command: { value: 'sleep 1000' } });
    await cluster.reaches('unheard', 'TASK_STARTING');
    const shared = cgroupDirectories(cgroupPlaces(stage.roots, 'any')).map((place) => path.dirname(place));
    const left = () => shared.filter((directory) => existsSync(directory));
    await until(() => listContainers(stage.roots)[0]?.state === 'running', 'it runs');
    t.not(left().length, 0);
    await cluster.kill('unheard');
    await until(() => listContainers(stage.roots).length === 0, 'it has ended');
    t.equal(cluster.agent.tasks.size, 1);
    await cluster.stop();
    t.strictSame(left(), []);
  },
);

t.test('moments and ports', async (t) => {
  const now = Date.now();
  const order = { state: 'TASK_KILLED' as const, deadline: now + 3_600_000, ...uptimeAt(now + 2000) };
  const left = recoveredOrder(order).deadline - Date.now();
  t.ok(left <= 2100 && left > -60_000, 'a clock that was set does not change how long a task has');
  t.equal(recoveredOrder({ ...order, boot_id: 'another' }).deadline, order.deadline);
  t.ok((order.uptime ?? 0) <= uptime() + 2);
  const alarms = new Alarms<string>();
  alarms.close();
  alarms.set('late', 0, () => t.fail('it was closed'));
  const ports: Resource[] = [
    { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 31_000, end: 31_999 }] } },
  ];
  const mapped = (host_port: number): ContainerInfo => ({
    type: 'DOCKER',
    docker: { image: 'x', network: 'BRIDGE', port_mappings: [{ host_port, container_port: 80 }] },
  });
  t.equal(
    networkOf(mapped(31_900), ports).publish[0]?.hostFirst,
    31_900,
    'the last of a thousand ports is its own',
  );
  t.throws(() => networkOf(mapped(32_000), ports));
});

t.test('a volume is gone at once, and what was in it by and by', async (t) => {
  const folder = mkdtempSync('/var/tmp/berth-test-volumes-');
  t.teardown(() => rmSync(folder, { recursive: true }));
  const failures: unknown[] = [];
  const volumes = new PersistentVolumes(folder, (error) => failures.push(error));
  const resource: Resource = {
    ...{ name: 'disk', type: 'SCALAR', scalar: { value: 1 } },
    disk: { persistence: { id: 'data' }, volume: { container_path: 'data', mode: 'RW' } },
  };
  const place = volumes.folderOf(resource);
  const kept = path.join(folder, 'kept');
  mkdirSync(path.join(place, 'deep/er'), { recursive: true });
  mkdirSync(kept);
  writeFileSync(path.join(kept, 'file'), '');
  symlinkSync(kept, path.join(place, 'link'));
  volumes.destroy(resource);
  t.notOk(existsSync(place));
  await volumes.close();
  const trash = path.join(folder, 'volumes/trash');
  mkdirSync(path.join(trash, 'of-a-crash'));
  volumes.sweep();
  await volumes.close();
  t.strictSame(readdirSync(trash), []);
  t.ok(existsSync(path.join(kept, 'file')));
  t.strictSame(failures, []);
});
