import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import t from 'tap';
import type { Agent } from '../../src/agent/agent.js';
import { handleOrder } from '../../src/agent/master/orders.js';
import { subscriptionReports } from '../../src/agent/master/subscription.js';
import { Records } from '../../src/agent/records/records.js';
import { agentState } from '../../src/agent/start.js';
import { mostPending } from '../../src/agent/updates/updates.js';
import { readContainer } from '../../src/containerizer/container/catalogue.js';
import { layoutOfHost } from '../../src/containerizer/container/cgroup-places.js';
import { peerOwner } from '../../src/http/peer-owner.js';
import { jsonCodec, protobufCodec } from '../../src/mesos/codec.js';
import type { OfferOperation, SchedulerCall } from '../../src/mesos/messages.js';
import type { RuntimeConfig } from '../../src/oci-spec/runtime.js';
import { places } from '../../src/state/roots.js';
import { EmbeddedStore } from '../../src/state/store/embedded-store.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { post } from '../master-lite/scheduler-client.js';
import { ExecutorClient } from './executor-client.js';
import { executor, StagedCluster, small } from './staged-cluster.js';

const mebibyte = 1024 * 1024;
const uuid = () => randomBytes(16);

t.test('what agent, master and executors say to each other', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await StagedCluster.open(t, stage, {}, {}, true);
  const { framework, master } = cluster;
  const registrations = () => cluster.notes.filter((text) => /registered as|back at/.test(text)).length;

  await t.test('a number that is none goes no further than the master', async (t) => {
    await until(() => framework.offers.size > 0, 'an offer');
    const [offer] = framework.offers.values();
    const call = (delay_seconds: number): SchedulerCall => ({
      type: 'ACCEPT',
      framework_id: { value: framework.id },
      accept: {
        offer_ids: offer === undefined ? [] : [offer.id],
        operations: [
          {
            type: 'LAUNCH',
            launch: {
              task_infos: [
                {
                  name: 'nan',
                  task_id: { value: 'nan' },
                  agent_id: { value: cluster.agent.id ?? '' },
                  resources: small,
                  command: { value: 'true' },
                  check: { type: 'COMMAND', command: { command: { value: 'true' } }, delay_seconds },
                },
              ],
            },
          },
        ],
      },
    });
    const answer = await post(master.url, '/api/v1/scheduler', {
      body: protobufCodec.encode('mesos.v1.scheduler.Call', call(Number.NaN)),
      headers: { 'Content-Type': protobufCodec.contentType, 'Mesos-Stream-Id': framework.streamId },
    });
    t.equal(answer.status, 400, String(answer.body));
    t.equal(framework.statuses.length, 0);
  });

  await t.test('an order that cannot be read fails its task, and the others are obeyed', async (t) => {
    const before = registrations();
    const { link } = master.master.cluster.agents.get(cluster.agent.id ?? '') ?? {};
    // As a master of another version might: the codec of this one writes no such thing.
    const send = (order: object) =>
      (link as unknown as { records: { write(record: Buffer): void } }).records.write(
        Buffer.from(JSON.stringify(order)),
      );
    send({ type: 'KILL', kill: { framework_id: 7 } });
    send({
      type: 'RUN',
      run: {
        framework_info: { user: 'root', name: 'x', id: { value: framework.id } },
        task: { task_id: { value: 'unread' }, agent_id: { value: '' } },
      },
    });
    await cluster.launch({ name: 'read', command: { value: 'exit 0' } });
    await cluster.reaches('read', 'TASK_FINISHED');
    t.equal(registrations(), before, 'the connection is the same');
    t.match(
      cluster.notes.filter((text) => text.includes('cannot be read')),
      [/KILL.*framework_id/, /RUN.*name/],
    );
  });

  await t.test('what executors say is bounded, and known again after a restart', async (t) => {
    await cluster.launch({ name: 'a', executor: executor('x', 'exec sleep 1000') });
    const of = () => cluster.agent.executors.find(framework.id, 'x');
    await until(() => of()?.state === 'registering', 'its program runs');
    const ids = { framework: framework.id, executor: 'x' };
    const client = new ExecutorClient(cluster.url, ids, of()?.record.token);
    t.teardown(() => client.close());
    await client.subscribe();
    const task_id = { value: 'a' };
    const starting = uuid();
    const infinite = Number.POSITIVE_INFINITY;
    t.equal(await client.update({ task_id, state: 'TASK_STARTING', timestamp: infinite }, starting), 202);
    t.ok(Number.isFinite((await cluster.reaches('a', 'TASK_STARTING')).timestamp), 'the agent’s own time');
    t.equal(await client.update({ task_id, state: 'TASK_RUNNING' }, uuid()), 202);
    await cluster.reaches('a', 'TASK_RUNNING');
    const task = () => [...cluster.agent.tasks.values()].find(({ id }) => id === 'a');
    await until(() => task()?.updates.length === 0, 'all is acknowledged');
    t.equal(
      await client.update({ task_id, state: 'TASK_RUNNING', data: Buffer.alloc(1 << 21) }, uuid()),
      413,
    );

    await cluster.stop();
    await cluster.start();
    const again = new ExecutorClient(cluster.url, ids, of()?.record.token, jsonCodec);
    t.teardown(() => again.close());
    await again.subscribe({
      unacknowledged_updates: [
        {
          status: { task_id, state: 'TASK_STARTING', source: 'SOURCE_EXECUTOR', uuid: starting },
        },
      ],
    });
    await until(() => again.of('ACKNOWLEDGED').length > 0, 'it is acknowledged once more');
    t.equal(task()?.state, 'TASK_RUNNING', 'and is no news');

    framework.acknowledges = false;
    let written = 0;
    const { store } = cluster.agent.records;
    const put = store.put.bind(store);
    store.put = (table, key, document) => {
      written += JSON.stringify(document).length;
      put(table, key, document);
    };
    let refused = 0;
    const data = Buffer.alloc(1000);
    for (let i = 0; i < mostPending + 20; i++)
      if ((await again.update({ task_id, state: 'TASK_RUNNING', data }, uuid())) === 429) refused++;
    t.equal(refused, 20);
    t.ok(written < mostPending * 5000, `each is written once: ${written} bytes`);
    const last = uuid();
    t.equal(await again.update({ task_id, state: 'TASK_FINISHED' }, last), 202, 'an end is always heard');
    t.equal(task()?.updates.length, mostPending + 1);
    await cluster.stop();
    const folder = path.join(stage.roots.root, 'agent', 'store');
    const { fail } = t;
    const kept = await EmbeddedStore.open(folder, {
      owner: agentState,
      onFailure: (error) => fail(error.message),
      onDefect: (error) => fail(String(error)),
    });
    const updates = new Records(kept)
      .recovered()
      .tasks.find(({ document }) => document.container_id)?.updates;
    t.equal(updates?.length, mostPending + 1);
    t.strictSame(updates?.at(-1)?.status.uuid, last, 'in their order');
    await kept.close();
    await cluster.start();
    framework.acknowledges = true;
    for (const { uuid, agent_id } of framework.statuses.filter(({ task_id }) => task_id.value === 'a'))
      if (uuid !== undefined && agent_id !== undefined)
        await framework.call({ type: 'ACKNOWLEDGE', acknowledge: { agent_id, task_id, uuid } });
    await until(() => task() === undefined, 'all is acknowledged');
    t.equal(
      [...cluster.agent.records.store.recovered().keys()].filter((name) =>
        /^(update|progress|task)\//.test(name),
      ).length,
      0,
      'and nothing of it is kept',
    );
  });

  const found = (id: string) => cluster.agent.executors.find(framework.id, id);
  const ready = async (id: string) => {
    await until(() => found(id)?.state === 'registering', 'its program runs');
    const client = new ExecutorClient(
      cluster.url,
      { framework: framework.id, executor: id },
      found(id)?.record.token,
    );
    t.teardown(() => client.close());
    t.equal(await client.subscribe(), 200);
    return client;
  };

  await t.test(
    'an executor that is to end gains no time by subscribing again, or by a new agent',
    async (t) => {
      const long = { shutdown_grace_period: { nanoseconds: 3600e9 } };
      await cluster.launch({ name: 'b', executor: executor('y', 'exec sleep 1000', long) });
      const client = await ready('y');
      await until(() => client.of('LAUNCH').length === 1, 'it has its task');
      await client.update({ task_id: { value: 'b' }, state: 'TASK_RUNNING' }, uuid());
      const before = Date.now();
      cluster.agent.executors.shutdownExecutor(framework.id, 'y');
      const deadline = found('y')?.record.deadline ?? 0;
      t.ok(deadline >= before + 3600e3);
      await client.subscribe();
      t.equal(found('y')?.record.deadline, deadline);
      await cluster.stop();
      await cluster.start();
      t.equal(found('y')?.record.deadline, deadline, 'it is kept');
      t.equal(found('y')?.state, 'terminating');
      const again = new ExecutorClient(
        cluster.url,
        { framework: framework.id, executor: 'y' },
        found('y')?.record.token,
      );
      t.teardown(() => again.close());
      await again.subscribe();
      t.equal(found('y')?.record.deadline, deadline);
      await until(() => again.of('SHUTDOWN').length === 1, 'it is told again');
      cluster.agent.executors.shutdownAll();
      await cluster.reaches('b', 'TASK_FAILED');
    },
  );

  await t.test('an executor whose stream is cut and that never comes back is ended', async () => {
    await cluster.launch({ name: 'c', executor: executor('z', 'exec sleep 1000') });
    const client = await ready('z');
    const { config } = cluster.agent;
    const { executorRecovery } = config;
    config.executorRecovery = 0.5;
    client.close();
    const { reason } = await cluster.reaches('c', 'TASK_FAILED');
    t.equal(reason, 'REASON_EXECUTOR_REREGISTRATION_TIMEOUT');
    config.executorRecovery = executorRecovery;
  });

  await t.test('an operation is done once, however often it is ordered', async (t) => {
    const reservations = [{ type: 'DYNAMIC' as const, role: 'store' }];
    const disk = { persistence: { id: 'kept' }, volume: { container_path: 'kept', mode: 'RW' as const } };
    const volume = { name: 'disk', type: 'SCALAR' as const, scalar: { value: 1 }, reservations, disk };
    const apply = (number: number, operation: OfferOperation) =>
      handleOrder(cluster.agent, {
        type: 'APPLY',
        apply: { operation, uuid: { value: Buffer.alloc(16, number) }, checkpointed_resources: [] },
      });
    const operations = async () => {
      const body = JSON.stringify({ type: 'GET_OPERATIONS' });
      const headers = { 'Content-Type': 'application/json' };
      const answer = await post(cluster.url, '/api/v1', { body, headers });
      return jsonCodec.decode('mesos.v1.agent.Response', answer.body).get_operations?.operations ?? [];
    };
    const create = { type: 'CREATE' as const, create: { volumes: [volume] } };
    const destroy = { type: 'DESTROY' as const, destroy: { volumes: [volume] } };
    // The master acknowledges what it does not know, so that nothing is kept for ever.
    await cluster.agent.link.close();
    apply(1, create);
    const file = () => path.join(cluster.agent.volumes.folderOf(volume), 'file');
    apply(2, destroy);
    apply(3, create);
    writeFileSync(file(), '');
    apply(2, destroy);
    t.ok(existsSync(file()), 'the volume that was made after it is not destroyed');
    await cluster.agent.durable();
    t.equal((await operations()).length, 3);
    await cluster.stop();
    const { length } = cluster.notes;
    await cluster.start();
    apply(2, destroy);
    t.ok(existsSync(file()), 'neither by the next agent');
    await until(() => cluster.notes.length > length, 'it is back');
    await until(() => cluster.agent.applied.size === 0, 'the master has them all');
    apply(4, destroy);
    t.notOk(existsSync(file()));
    await until(() => cluster.agent.applied.size === 0, 'and the last');
  });

  await t.test('the ceiling of an executor’s memory is raised alone', async (t) => {
    await cluster.launch(
      { name: 'd', executor: executor('w', 'exec sleep 1000') },
      { name: 'e', executor: executor('w', 'exec sleep 1000') },
    );
    const client = await ready('w');
    const memory = () =>
      readContainer(stage.roots, found('w')?.containerId ?? '')?.document.limits.memory ?? 0;
    await until(() => memory() === 96 * mebibyte, 'both tasks and itself');
    await until(() => client.of('LAUNCH').length === 2, 'both are handed over');
    await client.update({ task_id: { value: 'd' }, state: 'TASK_FINISHED' }, uuid());
    await cluster.launch({ name: 'f', executor: executor('w', 'exec sleep 1000') });
    await client.update({ task_id: { value: 'e' }, state: 'TASK_FINISHED' }, uuid());
    await cluster.launch(
      ...['g', 'h', 'i'].map((name) => ({ name, executor: executor('w', 'exec sleep 1000') })),
    );
    await until(() => memory() === 160 * mebibyte, 'and beyond what swap it had at first');
    for (const name of ['f', 'g', 'h', 'i'])
      await client.update({ task_id: { value: name }, state: 'TASK_FINISHED' }, uuid());
    const config = path.join(places.run(stage.roots, found('w')?.containerId ?? ''), 'config.json');
    const promised = () =>
      (JSON.parse(readFileSync(config, 'utf8')) as RuntimeConfig).linux.resources.memory?.reservation;
    await until(() => promised() === 32 * mebibyte, 'what is promised follows');
    t.equal(memory(), 160 * mebibyte);
    t.strictSame(
      cluster.notes.filter((text) => text.startsWith('executor ')),
      [],
    );
  });

  await t.test('root in a container on the host’s network is nobody to the master', async (t) => {
    const { hostname, port } = new URL(master.url);
    const script = `const { get } = require('http');
      get({ host: '${hostname}', port: ${port}, path: '/state' }, ({ statusCode }) => process.exit(statusCode === 401 ? 0 : 1));`;
    const value = `cat >ask.cjs <<'END'\n${script}\nEND\nexec ${process.execPath} ask.cjs`;
    await cluster.launch({ name: 'spy', command: { value } });
    await until(
      () => cluster.states('spy').some((state) => state === 'TASK_FINISHED' || state === 'TASK_FAILED'),
      'it has asked',
    );
    t.equal(cluster.states('spy').at(-1), 'TASK_FINISHED');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [socket] = (await once(server, 'connection')) as [Socket];
    t.equal(peerOwner(socket, layoutOfHost().unified), 0);
    t.equal(peerOwner(socket, null), undefined, 'where groups say nothing, nobody is root');
    client.destroy();
  });
});

t.test('a subscription of any number of tasks is of short records', async (t) => {
  const info = (id: string) => ({
    name: id,
    task_id: { value: id },
    agent_id: { value: 'a' },
    // As much as a master takes.
    labels: { labels: [{ key: 'x', value: 'x'.repeat(255 * 1024) }] },
  });
  const task = {
    frameworkId: 'f',
    document: {},
    framework: { user: 'root', name: 'f', id: { value: 'f' } },
    state: 'TASK_RUNNING',
    latest: { task_id: { value: 'x' }, state: 'TASK_RUNNING', data: Buffer.alloc(1 << 20) },
    updates: [],
  };
  const tasks = new Map(Array.from({ length: 100 }, (_, i) => [`${i}`, { ...task, info: info(`${i}`) }]));
  const agent = {
    config: { hostname: 'h', port: 1 },
    resources: [],
    attributes: [],
    runners: [],
    frameworks: new Map(),
    tasks,
  };
  const reports = [...subscriptionReports(agent as unknown as Agent)];
  const sizes = reports.map((report) => jsonCodec.encode('berth.v1.Report', report).length);
  t.ok(Math.max(...sizes) < 8 * mebibyte, sizes.join());
  t.equal(
    reports.filter(({ subscribe, part }) => (subscribe ?? part)?.more === true).length,
    reports.length - 1,
  );
  t.equal(reports.flatMap(({ subscribe, part }) => (subscribe ?? part)?.tasks ?? []).length, 100);
});
