import t from 'tap';
import { connected } from '../../src/master-lite/frameworks.js';
import { longWait } from '../../src/master-lite/long-wait.js';
import { jsonCodec, protobufCodec } from '../../src/mesos/codec.js';
import type { FrameworkInfo, MasterCall, MasterResponse, SchedulerCall } from '../../src/mesos/messages.js';
import { Resources } from '../../src/mesos/resources/resources.js';
import { post, SchedulerClient, task } from './scheduler-client.js';
import { StagedMaster, type Test, until } from './staged-master.js';

async function scheduler(t: Test, staged: StagedMaster, codec = jsonCodec): Promise<SchedulerClient> {
  const client = new SchedulerClient(staged.url, codec);
  t.after(() => client.close());
  return client;
}

async function operator(staged: StagedMaster, call: MasterCall, codec = jsonCodec) {
  const answer = await post(staged.url, '/api/v1', {
    body: codec.encode('mesos.v1.master.Call', call),
    headers: { 'Content-Type': codec.contentType, Accept: codec.contentType },
  });
  const response: Partial<MasterResponse> =
    answer.body.length > 0 && answer.status === 200
      ? codec.decode('mesos.v1.master.Response', answer.body)
      : {};
  return { ...answer, response };
}

t.test('refusals have the status of the reference, in its order', async (t) => {
  const staged = await StagedMaster.open(t);
  const client = await (await scheduler(t, staged)).subscribe({ failover_timeout: 60 });
  const json = { 'Content-Type': 'application/json' };
  const cases: [
    what: string,
    status: number,
    body: unknown,
    headers: Record<string, string>,
    path?: string,
  ][] = [
    ['no content type', 400, {}, {}],
    ['an unknown content type', 415, {}, { 'Content-Type': 'text/plain' }],
    ['no JSON', 400, '{', json],
    ['no type', 400, {}, json],
    ['an unknown type', 400, { type: 'NONSENSE' }, json],
    ['no body', 400, { type: 'ACCEPT', framework_id: { value: client.id } }, json],
    ['no framework id', 400, { type: 'REVIVE' }, json],
    ['an unknown framework', 400, { type: 'REVIVE', framework_id: { value: 'x' } }, json],
    ['no stream id', 400, { type: 'REVIVE', framework_id: { value: client.id } }, json],
    [
      'another stream id',
      400,
      { type: 'REVIVE', framework_id: { value: client.id } },
      { ...json, 'Mesos-Stream-Id': 'x' },
    ],
    [
      'its own',
      202,
      { type: 'REVIVE', framework_id: { value: client.id } },
      { ...json, 'Mesos-Stream-Id': client.streamId },
    ],
    [
      'a uuid of another length',
      400,
      {
        type: 'ACKNOWLEDGE',
        framework_id: { value: client.id },
        acknowledge: { agent_id: { value: 'a' }, task_id: { value: 't' }, uuid: 'AAAA' },
      },
      { ...json, 'Mesos-Stream-Id': client.streamId },
    ],
    [
      'a stream id on SUBSCRIBE',
      400,
      { type: 'SUBSCRIBE', subscribe: { framework_info: { user: 'u', name: 'n' } } },
      { ...json, 'Mesos-Stream-Id': 'x' },
    ],
    [
      'two ids that differ',
      400,
      {
        type: 'SUBSCRIBE',
        framework_id: { value: 'x' },
        subscribe: { framework_info: { user: 'u', name: 'n' } },
      },
      json,
    ],
    [
      'an answer in no known codec',
      406,
      { type: 'SUBSCRIBE', subscribe: { framework_info: { user: 'u', name: 'n' } } },
      { ...json, Accept: 'text/html' },
    ],
    ['an operator without a type', 400, {}, json, '/api/v1'],
    [
      'an unknown agent',
      404,
      { type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id: { value: 'x' } } },
      json,
      '/api/v1',
    ],
    [
      'an operator who reads',
      200,
      { type: 'GET_HEALTH' },
      { 'Content-Type': 'application/json; charset=utf-8' },
      '/master/api/v1',
    ],
    ['an agent that is no stream', 415, {}, json, '/api/v1/agent'],
    ['a path that is not there', 404, {}, json, '/api/v2'],
  ];
  for (const [what, status, body, headers, path = '/api/v1/scheduler'] of cases) {
    const answer = await post(staged.url, path, {
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers,
    });
    t.equal(answer.status, status, what);
    if (status === 202) t.equal(answer.body.length, 0, '202 has no body');
    if (status === 202) t.equal(answer.headers['content-type'], undefined, '202 has no type');
  }
  const got = await post(staged.url, '/api/v1/scheduler', { method: 'GET' });
  t.strictSame([got.status, got.headers.allow], [405, 'POST']);
  client.disconnect();
  await until('it is gone', () => staged.master.cluster.frameworks.get(client.id)?.connected === false);
  t.equal(await client.call({ type: 'REVIVE' }), 403, 'a framework without a stream');
});

for (const codec of [jsonCodec, protobufCodec])
  t.test(`a task from offer to acknowledgement in ${codec.contentType}`, async (t) => {
    const staged = await StagedMaster.open(t);
    const agent = staged.agent({ codec, lifetime: () => 1 });
    const client = await (await scheduler(t, staged, codec)).subscribe({
      name: 'Zürich',
      roles: ['eng/web'],
      capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
    });
    const offer = await client.offer();
    t.equal(offer.allocation_info?.role, 'eng/web');
    t.match(offer.url?.address, { ip: '127.0.0.1', port: 20_000 });
    t.equal(await client.launch(offer, [task('one', offer), task('too-much', offer, 100)]), 202);
    await until('both have ended', () => client.statuses.length >= 3);
    t.strictSame(client.states('one'), ['TASK_RUNNING', 'TASK_FINISHED']);
    const refused = client.statuses.find(({ task_id }) => task_id.value === 'too-much');
    t.match(refused, { state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID', source: 'SOURCE_MASTER' });
    t.equal(refused?.uuid, undefined, 'nobody acknowledges what the master says');
    await until('the agent forgets it', () => agent.tasks.size === 0);
    const { response } = await operator(staged, { type: 'GET_TASKS' }, codec);
    t.match(response.get_tasks?.completed_tasks, [{ name: 'one', state: 'TASK_FINISHED' }]);
    t.equal(response.get_tasks?.tasks?.length ?? 0, 0);
    const free = staged.master.cluster.allocator.allocatedOf(agent.id ?? '');
    await until('it is offered again', () => client.offers.size > 0);
    t.equal(free.scalar('cpus'), 4000, 'what was used is offered');
  });

t.test('offers are used once; what cannot be launched is told', async (t) => {
  const staged = await StagedMaster.open(t);
  staged.agent();
  const client = await (await scheduler(t, staged)).subscribe();
  const offer = await client.offer();
  t.equal(offer.allocation_info, undefined, 'a framework of one role is not told of it');
  await client.launch(offer, [
    task('a', offer),
    task('a', offer),
    task('b/c', offer),
    task('d', offer, 1, { command: undefined }),
    task('e', offer, 1, { kill_policy: { grace_period: { nanoseconds: -1 } } }),
    task('f', offer, 1, { resources: [] }),
    task('g', offer, 1, { agent_id: { value: 'elsewhere' } }),
    task('h', offer, 1, { check: { type: 'COMMAND' } }),
    task('i', offer, 1, { health_check: {} }),
    task('j', offer, 1, { check: { type: 'TCP', tcp: { port: 1 }, delay_seconds: -1 } }),
    task('k', offer, 1, { resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 0 } }] }),
  ]);
  await client.launch(offer, [task('late', offer)]);
  await until('all is told', () => client.statuses.length >= 12);
  t.strictSame(client.states('a'), ['TASK_ERROR', 'TASK_RUNNING'].sort(), 'the second of the same id');
  for (const id of ['b/c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'])
    t.strictSame(client.states(id), ['TASK_ERROR'], id);
  t.match(
    client.statuses.find(({ task_id }) => task_id.value === 'late'),
    { state: 'TASK_LOST', reason: 'REASON_INVALID_OFFERS' },
  );
});

t.test('a framework may take longer than timers do to come back', async (t) => {
  const begun = performance.now();
  let calls = 0;
  longWait(60, () => calls++, 7);
  const never = longWait(20, () => t.fail('it was called off'), 7);
  never();
  // A timer of Node's that is asked for more than it holds comes at once.
  const years = longWait(2 ** 40, () => t.fail('it came early'));
  await until('it is over', () => calls > 0);
  years();
  t.ok(performance.now() - begun >= 59);
  t.equal(calls, 1);
});

t.test('decline, suppress, revive, kill, reconcile', async (t) => {
  const staged = await StagedMaster.open(t);
  const agent = staged.agent();
  const client = await (await scheduler(t, staged)).subscribe({
    capabilities: [{ type: 'PARTITION_AWARE' }],
  });
  const first = await client.offer();
  client.offers.clear();
  await client.call({
    type: 'DECLINE',
    decline: { offer_ids: [first.id], filters: { refuse_seconds: 3600 } },
  });
  await client.call({ type: 'SUPPRESS' });
  t.equal(await client.call({ type: 'DECLINE', decline: {} }), 202, 'declining nothing');
  t.equal(client.offers.size, 0);
  await client.call({ type: 'REVIVE', revive: {} });
  const offer = await client.offer();
  await client.launch(offer, [task('long', offer)]);
  await until('it runs', () => client.states('long').length === 1);
  client.statuses.length = 0;
  await client.call({ type: 'RECONCILE', reconcile: {} });
  await until('its state is told', () => client.statuses.length === 1);
  t.match(client.statuses, [{ state: 'TASK_RUNNING', reason: 'REASON_RECONCILIATION' }]);
  t.equal(client.statuses[0]?.uuid, undefined);
  const unknown = [
    { task_id: { value: 'nobody' }, agent_id: { value: agent.id ?? '' } },
    { task_id: { value: 'nowhere' }, agent_id: { value: 'nowhere' } },
    { task_id: { value: 'nothing' } },
  ];
  await client.call({ type: 'RECONCILE', reconcile: { tasks: unknown } });
  await until('all three are told', () => client.statuses.length === 4);
  t.strictSame(
    client.statuses.slice(1).map(({ state }) => state),
    ['TASK_GONE', 'TASK_UNKNOWN', 'TASK_UNKNOWN'],
  );
  await client.call({ type: 'KILL', kill: { task_id: { value: 'long' } } });
  await until('it is killed', () => client.states('long').includes('TASK_KILLED'));
  await client.call({ type: 'KILL', kill: { task_id: { value: 'never' } } });
  await until('a kill of nothing is answered', () => client.states('never').length === 1);
});

t.test('a framework fails over, and what nobody acknowledged is said again', async (t) => {
  const staged = await StagedMaster.open(t);
  staged.agent({ lifetime: () => 1 });
  const first = await (await scheduler(t, staged)).subscribe({ failover_timeout: 3600 });
  first.acknowledges = false;
  const offer = await first.offer();
  await first.launch(offer, [task('x', offer)]);
  await until('it runs', () => first.states('x').length === 1);
  const second = await scheduler(t, staged);
  second.id = first.id;
  await second.subscribe({ failover_timeout: 3600 });
  await until('the first is told', () => first.ended);
  t.match(first.events.at(-1), { type: 'ERROR', error: { message: 'Framework failed over' } });
  await until('it is finished', () => second.states('x').includes('TASK_FINISHED'));
  t.strictSame([...new Set(second.states('x'))], ['TASK_RUNNING', 'TASK_FINISHED']);
  t.equal(await second.call({ type: 'TEARDOWN' }), 202);
  await until('its stream is over', () => second.ended);
  const third = await scheduler(t, staged);
  third.id = first.id;
  await third.subscribe({ id: { value: first.id } });
  t.match(third.events, [{ type: 'ERROR', error: { message: 'Framework has been removed' } }]);
});

t.test('of two subscriptions the later one holds, however the former ends', async (t) => {
  const staged = await StagedMaster.open(t);
  const first = await (await scheduler(t, staged)).subscribe();
  const { id } = first;
  const again = [await scheduler(t, staged), await scheduler(t, staged)] as const;
  for (const client of again) client.id = id;
  await Promise.all(again.map((client) => client.subscribe()));
  await until('the first is over', () => first.ended);
  await until('one of the two is over', () => again.some(({ ended }) => ended));
  const [stays, goes] = again[0].ended ? [again[1], again[0]] : again;
  t.match(goes.events.at(-1), { type: 'ERROR', error: { message: 'Framework failed over' } });
  goes.disconnect();
  // One that was cut before its turn came, with another behind it: nobody is to wait for it.
  const { cluster } = staged.master;
  const framework = cluster.frameworks.get(id);
  if (framework === undefined) throw new Error('it is gone');
  const { link } = framework;
  framework.link = undefined;
  const late = { streamId: 'late', closed: true, send: () => {}, end: () => {} };
  connected(cluster, framework, late);
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.equal(cluster.frameworks.get(id), framework, 'its time to come back is not over');
  framework.link = link;
  t.equal(stays.ended, false);
  t.equal(await stays.call({ type: 'REVIVE' }), 202);
});

t.test('a framework that cannot be taken hears why', async (t) => {
  const staged = await StagedMaster.open(t);
  const cases: [Partial<FrameworkInfo>, RegExp][] = [
    [{ roles: ['a'] }, /not MULTI_ROLE/],
    [{ role: '/a' }, /invalid role/],
    [{ failover_timeout: -1 }, /failover_timeout/],
    [{ capabilities: [{ type: 'MULTI_ROLE' }], roles: ['a', 'a'] }, /twice/],
  ];
  for (const [info, why] of cases) {
    const client = await scheduler(t, staged);
    await client.subscribe(info);
    t.match(client.events, [{ type: 'ERROR', error: { message: why } }]);
  }
  t.equal(staged.master.cluster.frameworks.size, 0);
});

t.test('reservations and volumes are made, used, and kept over a restart', async (t) => {
  const staged = await StagedMaster.open(t);
  const agent = staged.agent();
  const client = await (await scheduler(t, staged)).subscribe({
    roles: ['store'],
    failover_timeout: 3600,
    capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }],
  });
  const offer = await client.offer();
  const disks = Resources.of(offer.resources ?? []).scalar('disk');
  const reservations = [{ type: 'DYNAMIC' as const, role: 'store' }];
  const disk = { name: 'disk', type: 'SCALAR' as const, scalar: { value: 100 }, reservations };
  const volume = {
    ...disk,
    disk: { persistence: { id: 'data' }, volume: { container_path: 'data', mode: 'RW' as const } },
  };
  const accept = (operations: NonNullable<SchedulerCall['accept']>['operations']) =>
    client.call({
      type: 'ACCEPT',
      accept: { offer_ids: [offer.id], operations, filters: { refuse_seconds: 0 } },
    });
  client.offers.clear();
  await accept([
    { type: 'RESERVE', id: { value: 'r' }, reserve: { resources: [disk] } },
    { type: 'CREATE', id: { value: 'c' }, create: { volumes: [volume] } },
    { type: 'DESTROY', id: { value: 'd' }, destroy: { volumes: [{ ...volume, scalar: { value: 7 } }] } },
  ]);
  await until(
    'all three are answered',
    () => client.events.filter((e) => e.type === 'UPDATE_OPERATION_STATUS').length === 3,
  );
  t.strictSame(
    // What the master refuses needs no agent, and is told first.
    client.events.flatMap((e) => e.update_operation_status?.status.state ?? []),
    ['OPERATION_ERROR', 'OPERATION_FINISHED', 'OPERATION_FINISHED'],
  );
  await until('the agent is told', () => agent.orders.filter((type) => type === 'APPLY').length === 2);
  const again = await client.offer();
  t.ok(
    again.resources?.some((resource) => resource.disk?.persistence?.id === 'data'),
    'it is offered',
  );
  await staged.restart();
  await until('the agent is back', () => agent.connected);
  client.offers.clear();
  await client.subscribe({
    roles: ['store'],
    failover_timeout: 3600,
    capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }],
  });
  agent.options.cpus = 7;
  agent.connect();
  await until('it has other CPUs', () => {
    const [offered] = client.offers.values();
    return offered?.resources?.some(({ name, scalar }) => name === 'cpus' && scalar?.value === 7) === true;
  });
  const total = staged.master.cluster.agents.get(agent.id ?? '')?.total;
  t.equal(total?.scalar('disk'), disks, 'what is made of the disk is counted once');
  const later = await client.offer();
  t.ok(
    later.resources?.some((resource) => resource.disk?.persistence?.id === 'data'),
    'and after a restart',
  );
});
