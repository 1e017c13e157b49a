import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { listContainers } from '../../src/containerizer/container/catalogue.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { Cluster, sandboxOf, task } from './staged-agent.js';

t.test('an agent that is killed', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await Cluster.open(t, stage, { info: { capabilities: [{ type: 'PARTITION_AWARE' }] } });
  const { agent, framework } = cluster;
  const container = () => ({ type: 'DOCKER' as const, docker: { image: stage.image.reference } });
  const running = () => listContainers(stage.roots).filter(({ state }) => state === 'running');

  await t.test('leaves its tasks alone, and takes them up when it is back', async (t) => {
    await cluster.launch(
      task('stays', 'sleep 1000', { container: container() }),
      task('ends-meanwhile', 'sleep 0.7; exit 5', { container: container() }),
      task('dies-meanwhile', 'sleep 1000', { container: container() }),
      task('is-killed-meanwhile', 'sleep 1000'),
    );
    for (const id of ['stays', 'ends-meanwhile', 'dies-meanwhile', 'is-killed-meanwhile'])
      await cluster.status(id, 'TASK_RUNNING');
    const pids = new Map(
      running().map(({ document, process }) => [document.labels['org.berth.task-id'], process]),
    );
    await agent.end('SIGKILL');
    await until(() => running().length === 3, 'one has ended');
    process.kill(pids.get('dies-meanwhile')?.supervisor.pid ?? 0, 'SIGKILL');
    await cluster.kill('is-killed-meanwhile');
    await agent.start().connected(2);
    t.match(
      await cluster.status('ends-meanwhile', 'TASK_FAILED', 'TASK_FINISHED', 'TASK_LOST', 'TASK_DROPPED'),
      {
        state: 'TASK_FAILED',
        message: 'Command exited with status 5',
      },
    );
    t.match(
      await cluster.status('dies-meanwhile', 'TASK_FAILED', 'TASK_FINISHED', 'TASK_LOST', 'TASK_DROPPED'),
      {
        state: 'TASK_FAILED',
        reason: 'REASON_EXECUTOR_TERMINATED',
      },
    );
    t.equal((await cluster.status('is-killed-meanwhile', 'TASK_KILLED', 'TASK_FAILED')).state, 'TASK_KILLED');
    t.strictSame(cluster.states('stays'), ['TASK_STARTING', 'TASK_RUNNING']);
    t.equal(running()[0]?.process?.task.pid, pids.get('stays')?.task.pid, 'it is the same process');
    await cluster.kill('stays');
    t.equal((await cluster.status('stays', 'TASK_KILLED', 'TASK_FAILED')).state, 'TASK_KILLED');
    await until(() => listContainers(stage.roots).length === 0, 'nothing is left of their containers');
  });

  await t.test('says again what nobody has acknowledged', async (t) => {
    framework.acknowledges = false;
    await cluster.launch(task('unheard', 'touch done; exit 6', { container: container() }));
    const starting = await cluster.status('unheard', 'TASK_STARTING');
    const done = path.join(sandboxOf(stage, starting, framework.id), 'done');
    await until(() => existsSync(done) && listContainers(stage.roots).length === 0, 'it has ended');
    await agent.end('SIGKILL');
    t.strictSame(cluster.states('unheard'), ['TASK_STARTING'], 'one at a time');
    framework.statuses.length = 0;
    framework.acknowledges = true;
    await agent.start().connected(3);
    t.match(await cluster.status('unheard', 'TASK_FAILED', 'TASK_LOST'), {
      message: 'Command exited with status 6',
    });
    t.strictSame(cluster.states('unheard'), ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FAILED']);
  });

  await t.test('while it launches, has each task either run or dropped', async (t) => {
    const names = Array.from({ length: 24 }, (_, i) => `launched-${i}`);
    await cluster.launch(...names.map((id) => task(id, 'sleep 1000', { container: container() })));
    // At some moment in between: some run, some are on their way, some have not begun.
    await cluster.status('launched-0', 'TASK_STARTING');
    await agent.end('SIGKILL');
    await agent.start().connected(4);
    const settled = (id: string) =>
      framework.states(id).some((state) => state === 'TASK_RUNNING' || state === 'TASK_DROPPED');
    await until(() => names.every(settled), 'each is settled');
    const dropped = names.filter((id) => framework.states(id).includes('TASK_DROPPED'));
    const run = names.filter((id) => !dropped.includes(id));
    t.comment(`${run.length} run, ${dropped.length} were dropped`);
    t.equal(running().length, run.length);
    t.strictSame(
      running()
        .map(({ document }) => document.labels['org.berth.task-id'])
        .sort(),
      run.sort(),
    );
    for (const id of run) await cluster.kill(id, 0);
    for (const id of run)
      t.equal((await cluster.status(id, 'TASK_KILLED', 'TASK_FAILED')).state, 'TASK_KILLED');
    await until(() => listContainers(stage.roots).length === 0, 'nothing is left of their containers');
    t.strictSame(readdirSync(path.join(stage.roots.root, 'containers')), []);
  });

  await t.test('is not missed by the master, nor the master by it', async (t) => {
    await cluster.launch(task('over', 'sleep 1000', { container: container() }));
    await cluster.status('over', 'TASK_RUNNING');
    await cluster.master.restart();
    await agent.connected(5);
    framework.offers.clear();
    await framework.subscribe({ failover_timeout: 3600, capabilities: [{ type: 'PARTITION_AWARE' }] });
    await cluster.kill('over');
    t.equal((await cluster.status('over', 'TASK_KILLED', 'TASK_FAILED', 'TASK_LOST')).state, 'TASK_KILLED');
    t.equal(cluster.states('over').includes('TASK_LOST'), false);
  });

  await t.test('while it fetches what is to be cached, gives nobody half of it', async (t) => {
    let whole = false;
    let asked = 0;
    const content = 'x'.repeat(100_000);
    const server = http.createServer((request, response) => {
      response.writeHead(200, { 'Content-Length': content.length });
      if (request.method === 'HEAD') response.end();
      else if (whole) response.end(content);
      else {
        asked++;
        response.write(content.slice(0, 50_000));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    const uri = { value: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`, cache: true };
    const command = { value: 'exit $(($(wc -c < file) / 1000))', uris: [uri] };
    await cluster.launch(task('half', command));
    const cached = path.join(stage.roots.root, 'agent/fetcher/cache');
    const sizes = () => readdirSync(cached).map((name) => statSync(path.join(cached, name)).size);
    await until(() => asked === 1 && sizes().includes(50_000), 'half of it is there');
    await agent.end('SIGKILL');
    whole = true;
    await agent.start().connected(6);
    t.match(await cluster.status('half', 'TASK_DROPPED', 'TASK_LOST'), { reason: 'REASON_AGENT_RESTARTED' });
    t.match(await cluster.run(task('again', command)), { message: 'Command exited with status 100' });
    t.strictSame(sizes(), [100_000]);
  });

  await t.test('drains, and takes tasks again when it may', async (t) => {
    await cluster.launch(task('drained', 'sleep 1000', { container: container() }));
    const { agent_id } = await cluster.status('drained', 'TASK_RUNNING');
    await cluster.operator({ type: 'DRAIN_AGENT', drain_agent: { agent_id } });
    t.match(await cluster.status('drained', 'TASK_KILLED', 'TASK_LOST'), {
      state: 'TASK_KILLED',
      reason: 'REASON_AGENT_DRAINING',
    });
    await agent.end('SIGKILL');
    const cutOff = [
      path.join(stage.roots.root, 'trash/1'),
      path.join(stage.roots.state, 'containers/.trash-1'),
    ];
    for (const folder of cutOff) mkdirSync(path.join(folder, 'half'), { recursive: true });
    await agent.start().connected(7);
    await until(
      () => !cutOff.some((folder) => existsSync(folder)),
      'removals that were cut off are gone on with',
    );
    // Until the last of its tasks is acknowledged, which the agent may not have heard, it drains.
    const reactivate = () => cluster.operator({ type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id } });
    await until(() =>
      reactivate().then(
        () => true,
        () => false,
      ),
    );
    t.equal((await cluster.run(task('after', 'true', { container: container() }))).state, 'TASK_FINISHED');
    await cluster.launch(task('leaves', 'sleep 1000', { container: container() }));
    await cluster.status('leaves', 'TASK_RUNNING');
    await cluster.operator({ type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id } });
    await until(() => agent.exit !== undefined, 'the agent has left');
    t.equal(agent.exit, 0);
    await until(() => running().length === 0, 'it has ended its tasks');
  });
});
