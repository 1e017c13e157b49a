import { randomBytes } from 'node:crypto';
import path from 'node:path';
import t from 'tap';
import { Records } from '../../src/agent/records/records.js';
import { agentState } from '../../src/agent/start.js';
import { mostPending } from '../../src/agent/updates/updates.js';
import { jsonCodec, protobufCodec } from '../../src/mesos/codec.js';
import type { SchedulerCall } from '../../src/mesos/messages.js';
import { EmbeddedStore } from '../../src/state/store/embedded-store.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { post } from '../master-lite/scheduler-client.js';
import { ExecutorClient } from './executor-client.js';
import { executor, StagedCluster, small } from './staged-cluster.js';

const uuid = () => randomBytes(16);

t.test('what agent, master and executors say to each other', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await StagedCluster.open(t, stage);
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
});
