import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { sandboxFolder } from '../../src/agent/sandbox/place.js';
import { logFolder } from '../../src/agent/sandbox/sandbox.js';
import { listContainers } from '../../src/containerizer/container/catalogue.js';
import { readLogFolder } from '../../src/containerizer/container/logs.js';
import type { Offer, TaskInfo } from '../../src/mesos/messages.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { NpmClient } from '../master-lite/npm-client.js';
import { StagedMaster, until } from '../master-lite/staged-master.js';
import { projectFolder } from '../source-files.js';
import { Cluster, configFile, StagedAgent, task } from './staged-agent.js';
import { executor } from './staged-cluster.js';

t.test('an unmodified framework of npm’s through a real agent', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const master = await StagedMaster.open(t, { agentHeartbeat: 1, agentTimeout: 30 });
  const resources = 'cpus:200;mem:8192;disk:10000;ports:[31000-31999]';
  const agent = new StagedAgent(stage, [
    ...['--master', master.url, '--listen', '127.0.0.1:0', '--resources', resources],
    ...['--config', configFile(stage)],
  ]).start();
  t.after(() => agent.end('SIGTERM'));
  await agent.connected();

  for (const instances of [1, 10, 100])
    await t.test(`${instances} tasks`, async (t) => {
      const image = instances === 10 ? {} : { image: stage.image.reference };
      const client = new NpmClient(t, master.port, instances, {
        ...image,
        command: instances === 10 ? 'sleep 2' : 'sleep 0.3',
      });
      if (instances === 10) {
        // The agent is killed while they run.
        await until('all run', () => client.count('TASK_RUNNING') === instances, 60);
        await agent.end('SIGKILL');
        agent.start();
        await agent.connected(agent.connections + 1);
      }
      await until('all are finished', () => client.count('TASK_FINISHED') === instances, 60);
      t.equal(client.states.size, instances, 'none was started twice');
      for (const states of client.states.values())
        t.strictSame([...new Set(states)], ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
      t.strictSame(client.errors, []);
      await until('their containers are gone', () => listContainers(stage.roots).length === 0);
    });
});

t.test('an unmodified executor of npm’s, and an agent that is killed', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  // An executor looks for its agent where that was: at an address of this host's that nobody else takes.
  const address = [127, process.pid >> 16, (process.pid >> 8) & 0xff, process.pid & 0xff].join('.');
  const cluster = await Cluster.open(t, stage, {
    flags: ['--listen', `${address}:5051`],
    info: { checkpoint: true, name: 'tried', capabilities: [{ type: 'PARTITION_AWARE' }] },
    config: { host_volumes: [projectFolder], executor_reregistration_seconds: 30 },
  });
  const { agent, framework } = cluster;
  const program = `exec ${process.execPath} ${path.join(projectFolder, 'dist/test/agent/npm-executor.js')}`;
  // The checkout may lie where a task without an image has a folder of its own: /tmp, /var/tmp.
  const project = { host_path: projectFolder, container_path: projectFolder, mode: 'RO' as const };
  const own = executor('npm', program, { container: { type: 'MESOS', volumes: [project] } });
  const of = (id: string, name: string) => {
    const make = task(id, '', { name, executor: own });
    return (offer: Offer): TaskInfo => {
      const { command: _, ...info } = make(offer);
      return info;
    };
  };

  await cluster.launch(
    ...[of('long', 'long'), of('ends', 'until ends-over'), of('deaf', 'until deaf-over')],
    of('shy', 'shy shy-over'),
  );
  const { agent_id, container_status } = await cluster.status('long', 'TASK_RUNNING');
  for (const id of ['ends', 'deaf']) await cluster.status(id, 'TASK_RUNNING');
  const containerId = container_status?.container_id?.value ?? '';
  const sandboxes = path.join(stage.roots.root, 'sandboxes');
  const place = { agentId: agent_id?.value ?? '', frameworkId: framework.id, executorId: 'npm', containerId };
  const file = (name: string) => path.join(sandboxFolder(sandboxes, place), name);
  const said = () =>
    [...readLogFolder(logFolder(stage.roots, sandboxes, containerId), {})]
      .map(({ text }) => text.toString())
      .filter((line) => line.startsWith('@'));
  const says = (line: string, times = 1) =>
    until(`${line}, ${times} times`, () => said().filter((each) => each === line).length === times);

  // One end is told, and the executor does not hear that it was taken; one task is said nothing of; one ends while nobody is there to hear it.
  await says('@acknowledged deaf');
  for (const name of ['deaf', 'deaf-over']) writeFileSync(file(name), '');
  await cluster.status('deaf', 'TASK_FINISHED');
  await says('@launched shy');
  await agent.end('SIGKILL');
  rmSync(file('deaf'));
  for (const name of ['ends-over', 'shy-over']) writeFileSync(file(name), '');
  await says('@TASK_FINISHED ends');
  await says('@TASK_RUNNING shy');
  await agent.start().connected(2);
  for (const id of ['ends', 'shy']) await cluster.status(id, 'TASK_FINISHED', 'TASK_DROPPED', 'TASK_FAILED');
  await cluster.launch(of('later', 'later'));
  t.match(await cluster.status('later', 'TASK_FINISHED', 'TASK_FAILED'), {
    container_status: { container_id: { value: containerId } },
  });
  await cluster.kill('long');
  await cluster.status('long', 'TASK_KILLED');
  await says('@acknowledged deaf', 2);
  await says('@acknowledged long', 2);

  // With the same uuid the framework may hear it again, until its agent knows that it has.
  const told = (id: string) => {
    const all = framework.statuses.filter(({ task_id }) => task_id.value === id);
    const once = new Map(all.map(({ uuid, state }) => [Buffer.from(uuid ?? []).toString('hex'), state]));
    return [...once.values()];
  };
  for (const id of ['ends', 'deaf', 'shy', 'later'])
    t.strictSame(told(id), ['TASK_RUNNING', 'TASK_FINISHED'], id);
  t.strictSame(told('long'), ['TASK_RUNNING', 'TASK_KILLED']);
  const launched = said().filter((line) => line.startsWith('@launched '));
  t.strictSame(
    launched.sort(),
    ['deaf', 'ends', 'later', 'long', 'shy'].map((id) => `@launched ${id}`),
  );
  t.notOk(said().includes('@to kill shy'));

  const executor_id = { value: 'npm' };
  await framework.call({
    type: 'SHUTDOWN',
    shutdown: { executor_id, agent_id: { value: place.agentId } },
  });
  await until('its container is gone', () => listContainers(stage.roots).length === 0);
  t.ok(said().includes('@shut down'));
});
