// What a master that runs refuses: operators, frameworks that change, agents that come.
import { once } from 'node:events';
import http from 'node:http';
import t from 'tap';
import { frame } from '../../src/http/record-io.js';
import type { RecordStream } from '../../src/http/record-stream.js';
import { AgentStream } from '../../src/master-lite/agents/link.js';
import { mostWatchers, Watchers } from '../../src/master-lite/watchers.js';
import { jsonCodec } from '../../src/mesos/codec.js';
import type { MasterCall, Report, SchedulerCall, TaskInfo } from '../../src/mesos/messages.js';
import { post, SchedulerClient, task } from './scheduler-client.js';
import { StagedMaster, type Test, until } from './staged-master.js';

const json = { 'Content-Type': 'application/json' };

const operator = async (staged: StagedMaster, call: object) => {
  const { status, body } = await post(staged.url, '/api/v1', { body: JSON.stringify(call), headers: json });
  return `${status} ${body}`;
};

async function client(t: Test, staged: StagedMaster, ...given: Parameters<SchedulerClient['subscribe']>) {
  const scheduler = new SchedulerClient(staged.url);
  t.after(() => scheduler.close());
  return scheduler.subscribe(...given);
}

t.test('what operators ask for that cannot be', async (t) => {
  const staged = await StagedMaster.open(t);
  const agent = staged.agent();
  await until('the agent is there', () => agent.connected);
  const scheduler = await client(t, staged);
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [task('x', offer)], 0);
  await until('it runs', () => scheduler.states('x').includes('TASK_RUNNING'));
  const agent_id = { value: agent.id ?? '' };
  const drain = (seconds?: number) => ({
    type: 'DRAIN_AGENT',
    drain_agent: { agent_id, ...(seconds !== undefined && { max_grace_period: { seconds } }) },
  });
  const weight = (role: string, weight: unknown) => ({
    type: 'UPDATE_WEIGHTS',
    update_weights: { weight_infos: [{ role, weight }] },
  });
  const quota = (config: object) => ({
    type: 'UPDATE_QUOTA',
    update_quota: { quota_configs: [{ role: 'a', ...config }] },
  });
  const cpus = (value: unknown) => ({ cpus: { value } });
  const machines = (type: 'START' | 'STOP', ...ids: object[]) => ({
    type: `${type}_MAINTENANCE`,
    [`${type.toLowerCase()}_maintenance`]: { machines: ids },
  });
  const reserve = (value: number, type = 'DYNAMIC') => ({
    type: 'RESERVE_RESOURCES',
    reserve_resources: {
      agent_id,
      resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value }, reservations: [{ type, role: 'a' }] }],
    },
  });
  const schedule = (hostname: string) => ({
    type: 'UPDATE_MAINTENANCE_SCHEDULE',
    update_maintenance_schedule: {
      schedule: {
        windows: [{ machine_ids: [{ hostname }], unavailability: { start: { nanoseconds: 1 } } }],
      },
    },
  });
  const cases: [object, RegExp][] = [
    [{}, /^400 Expecting 'type'/],
    [{ type: 'UNKNOWN' }, /^400 Unknown call/],
    [{ type: 'DRAIN_AGENT' }, /^400 Expecting 'drain_agent'/],
    [weight('..', 1), /^400 role/],
    [weight('a', 0), /^400 Weight 0/],
    [weight('a', -1), /^400 Weight -1/],
    [weight('a', 'Infinity'), /^400 Weight Infinity/],
    [quota({ role: '*' }), /^400 role '\*' cannot/],
    [quota({ role: '..' }), /^400 role '..'/],
    [quota({ limits: cpus(-1) }), /^400 Quota of 'cpus' is -1/],
    [quota({ limits: cpus('Infinity') }), /^400 Quota of 'cpus' is Infinity/],
    [quota({ guarantees: cpus(2), limits: cpus(1) }), /^400 .* guaranteed more 'cpus'/],
    [{ type: 'TEARDOWN', teardown: { framework_id: { value: 'x' } } }, /^400 No framework/],
    [drain(-1), /^400 'max_grace_period' is negative/],
    [drain(1e18), /^400 'max_grace_period'/],
    [machines('START'), /^400 List of machines is empty/],
    [machines('START', { hostname: 'nowhere' }), /^400 .* not part of a maintenance schedule/],
    [schedule(''), /^400 Both hostname and ip/],
    [reserve(1, 'STATIC'), /^400 .*dynamically/],
    [reserve(100), /^409 .* not free/],
    [schedule('elsewhere'), /^200/],
    [machines('STOP', { hostname: 'elsewhere' }), /^400 .* is not in maintenance/],
    [machines('START', { hostname: 'elsewhere' }), /^200/],
    [machines('START', { hostname: 'elsewhere' }), /^400 .* already in maintenance/],
  ];
  for (const [call, answer] of cases) t.match(await operator(staged, call), answer, JSON.stringify(call));
  const kill = async (body: object) =>
    (await post(staged.url, '/berth/v1/kill-task', { body: JSON.stringify(body), headers: json })).status;
  const [framework_id, task_id] = [scheduler.id, 'x'];
  t.equal(await kill({ framework_id }), 400);
  t.equal(await kill({ framework_id, task_id: 1 }), 400);
  for (const grace_seconds of [-1, '1', null, 1e300])
    t.equal(await kill({ framework_id, task_id, grace_seconds }), 400, `grace ${grace_seconds}`);
  t.equal(await kill({ framework_id, task_id: 'y' }), 404);

  scheduler.acknowledges = false;
  t.match(await operator(staged, drain(60)), /^200/);
  const reactivate = { type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id } };
  await until('its task has ended', () => scheduler.states('x').includes('TASK_KILLED'));
  t.match(
    await operator(staged, reactivate),
    /^400 .* is still draining: of 1 that have ended, their frameworks have not acknowledged it/,
  );
  t.equal(await kill({ framework_id, task_id }), 404, 'it does not run any more');
  t.match(await operator(staged, { type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id } }), /^200/);
  t.match(await operator(staged, drain()), /^400 .* is gone/);
  t.match(await operator(staged, reserve(1)), /^409 .* is not registered/);
});

t.test('calls that are no calls', async (t) => {
  const staged = await StagedMaster.open(t);
  const { id, streamId } = await client(t, staged);
  const framework_id = { value: id };
  const update_framework = { framework_info: { user: 'root', name: 'x', id: { value: 'other' } } };
  const cases: [object, RegExp][] = [
    [{}, /^400 Expecting 'type'/],
    [{ type: 'UNKNOWN', framework_id }, /^400 Unknown call type/],
    [{ type: 'ACCEPT', framework_id }, /^400 Expecting 'accept'/],
    [{ type: 'REVIVE' }, /^400 Expecting 'framework_id'/],
    [{ type: 'REVIVE', framework_id: { value: 'x' } }, /^400 Framework cannot be found/],
    [{ type: 'REVIVE', framework_id }, /^400 All non-subscribe calls should include/],
    [{ type: 'UPDATE_FRAMEWORK', framework_id, update_framework }, /^400 'framework_id' differs/],
  ];
  for (const [call, answer] of cases) {
    const text = JSON.stringify(call);
    const { status, body } = await post(staged.url, '/api/v1/scheduler', { body: text, headers: json });
    t.match(`${status} ${body}`, answer, text);
  }
  const headers = { ...json, 'Mesos-Stream-Id': streamId };
  const body = JSON.stringify({ type: 'REVIVE', framework_id });
  t.equal((await post(staged.url, '/api/v1/scheduler', { body, headers })).status, 202);
  const nothing = await post(staged.url, '/api/v1/agent', { body: 'x' });
  t.match(`${nothing.status} ${nothing.body}`, /^400 Expecting 'Content-Type' to be present/);
});

t.test('an order that comes before an agent is taken in is not sent', async (t) => {
  const sent: Uint8Array[] = [];
  const records = { write: (record: Uint8Array) => sent.push(record) } as unknown as RecordStream;
  const stream = new AgentStream(records, jsonCodec);
  stream.send({ type: 'KILL' });
  t.strictSame(sent, []);
  stream.send({ type: 'SUBSCRIBED' });
  stream.ready = true;
  stream.send({ type: 'KILL' });
  t.equal(sent.length, 2);
});

t.test('of what is over only the latest is remembered', async (t) => {
  const staged = await StagedMaster.open(t, { mostCompletedTasks: 2, mostCompletedFrameworks: 1 });
  staged.agent({ lifetime: () => 1 });
  const scheduler = await client(t, staged);
  for (const name of ['a', 'b', 'c']) {
    const offer = await scheduler.offer();
    await scheduler.launch(offer, [task(name, offer)], 0);
    await until(`${name} is over`, () => scheduler.states(name).includes('TASK_FINISHED'));
  }
  const { cluster } = staged.master;
  const completed = () => cluster.frameworks.get(scheduler.id)?.completed.map(({ task_id }) => task_id.value);
  await until('all are taken note of', () => completed()?.includes('c') === true);
  t.strictSame(completed(), ['b', 'c']);
  const other = await client(t, staged);
  for (const each of [scheduler, other]) t.equal(await each.call({ type: 'TEARDOWN' }), 202);
  t.strictSame([...cluster.completedFrameworks.keys()], [other.id]);
});

t.test('who follows is not kept from it by those who came before', async (t) => {
  const watchers = new Watchers(3600);
  const ended: number[] = [];
  for (let i = 0; i < mostWatchers + 2; i++) watchers.add({ send: () => {}, end: () => ended.push(i) });
  t.strictSame([watchers.count, ended], [mostWatchers, [0, 1]]);
  watchers.end();
});

t.test('what frameworks cannot change, and whose offers they cannot use', async (t) => {
  const staged = await StagedMaster.open(t);
  for (let i = 0; i < 2; i++) staged.agent();
  await until('the agents are there', () => staged.agents.every((each) => each.connected));
  const several = { roles: ['a', 'b'], capabilities: [{ type: 'MULTI_ROLE' as const }] };
  const one = await client(t, staged, several);
  const two = await client(t, staged, several);
  const info = { user: 'root', name: 'trial', id: { value: one.id }, ...several };
  const update = (more: object, id = one.id) =>
    one.call({
      type: 'UPDATE_FRAMEWORK',
      update_framework: { framework_info: { ...info, id: { value: id }, ...more } },
    });
  t.equal(await update({ user: 'other' }), 400);
  t.equal(await update({ checkpoint: true }), 400);
  t.equal(await update({ principal: 'other' }), 400);
  t.equal(await update({}, two.id), 400);
  t.equal(await update({}), 200);
  const operation = { operation_id: { value: 'o' }, uuid: Buffer.alloc(3) };
  t.equal(
    await one.call({ type: 'ACKNOWLEDGE_OPERATION_STATUS', acknowledge_operation_status: operation }),
    400,
  );
  // Until one has offers of each kind: of both agents, and of both roles.
  await one.call({ type: 'SUPPRESS' });
  await two.call({ type: 'SUPPRESS' });
  const let_go = (each: SchedulerClient) => {
    const offer_ids = [...each.offers.values()].map(({ id }) => id);
    each.offers.clear();
    return each.call({ type: 'DECLINE', decline: { offer_ids, filters: { refuse_seconds: 0 } } });
  };
  await let_go(one);
  await let_go(two);
  await one.call({ type: 'REVIVE', revive: { roles: ['a'] } });
  await until('it has both agents', () => one.offers.size === 2);
  const accept = (each: SchedulerClient, ids: string[], name: string) => {
    const [offer] = one.offers.values();
    if (offer === undefined) throw new Error('no offer');
    const call: SchedulerCall = {
      type: 'ACCEPT',
      accept: {
        offer_ids: ids.map((value) => ({ value })),
        operations: [{ type: 'LAUNCH', launch: { task_infos: [task(name, offer)] } }],
      },
    };
    return each.call(call);
  };
  const told = async (each: SchedulerClient, name: string) => {
    await until(`${name} is told of`, () => each.states(name).length > 0);
    return each.statuses.find(({ task_id }) => task_id.value === name)?.message;
  };
  const [a = '', b = ''] = [...one.offers.keys()];
  await accept(two, [a], 'foreign');
  t.match(await told(two, 'foreign'), /no longer valid/);
  await two.call({ type: 'DECLINE', decline: { offer_ids: [{ value: a }] } });
  t.ok(staged.master.cluster.offers.has(a), 'nor is it theirs to decline');
  await accept(one, [], 'none');
  t.match(await told(one, 'none'), /No offers/);
  await accept(one, [a, a], 'twice');
  t.match(await told(one, 'twice'), /Duplicate offer/);
  await until('what it held is offered again', () => one.offers.size === 3 || one.offers.size === 2);
  await let_go(one);
  await until('both are', () => one.offers.size === 2);
  const both = [...one.offers.keys()];
  t.notOk(both.includes(b));
  await accept(one, both, 'both');
  t.match(await told(one, 'both'), /one single agent/);
  one.offers.clear();
});

t.test('groups', async (t) => {
  const staged = await StagedMaster.open(t);
  staged.agent();
  const scheduler = await client(t, staged);
  const group = async (names: string[], cpus: number, ofExecutor = 0) => {
    const offer = await scheduler.offer();
    scheduler.offers.clear();
    const tasks = names.map((name): TaskInfo => task(name, offer, cpus));
    const resources = [{ name: 'cpus', type: 'SCALAR' as const, scalar: { value: ofExecutor } }];
    await scheduler.call({
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id],
        operations: [
          {
            type: 'LAUNCH_GROUP',
            launch_group: {
              executor: { type: 'DEFAULT', executor_id: { value: 'e' }, resources },
              task_group: { tasks },
            },
          },
        ],
        filters: { refuse_seconds: 0 },
      },
    });
    const [first = ''] = names;
    await until(`${first} is told of`, () => scheduler.states(first).length > 0);
    return scheduler.statuses.find(({ task_id }) => task_id.value === first)?.message;
  };
  const many = Array.from({ length: 101 }, (_, i) => `many-${i}`);
  t.match(await group(many, 0.01), /more than 100 tasks/);
  t.match(await group(['twin', 'twin'], 1), /duplicate task IDs/);
  t.match(await group(['sum-a', 'sum-b'], 2.5), /'sum-b' is invalid: .* than available/);
  t.match(await group(['big'], 1, 100), /Executor uses more/);
  t.match(await group(['with', 'both'], 2, 1), /'both' is invalid: .* than available/);
});

t.test('agents', async (t) => {
  const staged = await StagedMaster.open(t, { bodyLimit: 4000 });
  const type = 'application/recordio';
  const subscribe = (more: object = {}): Report => ({
    type: 'SUBSCRIBE',
    subscribe: { version: '0', agent_info: { hostname: 'h', resources: [], attributes: [], ...more } },
  });
  const open = (headers: Record<string, string>, { url } = staged) => {
    const request = http.request(`${url}/api/v1/agent`, { method: 'POST', agent: false, headers });
    request.on('error', () => {}).flushHeaders();
    t.after(() => request.destroy());
    return request;
  };
  /** What comes first in answer to reports: a status and what was said, or an order. */
  const say = async (reports: (Report | Buffer)[]) => {
    const request = open({ 'Content-Type': type, 'Message-Content-Type': jsonCodec.contentType });
    for (const report of reports)
      request.write(Buffer.isBuffer(report) ? report : frame(jsonCodec.encode('berth.v1.Report', report)));
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let heard = '';
    response.setEncoding('utf8').on('error', () => {});
    response.on('data', (text: string) => {
      heard += text;
    });
    const answer = () => heard.replaceAll(/\d+\n\{"type":"HEARTBEAT"\}/g, '');
    await until('it is answered', () => answer() !== '');
    return { request, said: `${response.statusCode} ${answer()}` };
  };
  const refusal = async (...given: Parameters<typeof say>) => {
    const { request, said } = await say(...given);
    request.destroy();
    return said;
  };
  const scalar = { name: 'cpus', type: 'SCALAR' as const, scalar: { value: -1 } };
  const part: Report = { type: 'PART', part: {} };
  const beat: Report = { type: 'HEARTBEAT' };
  const first = subscribe();
  const more = { ...first, subscribe: { ...first.subscribe, more: true } } as Report;
  t.match(await refusal([beat]), /^400 .*first report to be 'SUBSCRIBE'/);
  t.match(await refusal([part]), /^400 .*first report/);
  t.match(await refusal([Buffer.from('4001\n')]), /^400 .*4000 are the most/);
  t.match(await refusal([subscribe({ hostname: '' })]), /^200 .*'hostname' is empty/s);
  t.match(await refusal([subscribe({ resources: [scalar] })]), /^200 .*no amount/s);
  t.match(await refusal([more, first]), /^200 .*Expecting 'PART'/s);
  const update: Report = {
    type: 'UPDATE',
    update: { framework_id: { value: 'f' }, status: { task_id: { value: 't' }, state: 'TASK_RUNNING' } },
  };
  t.match(await refusal([first, update]), /^200 .*only after 'SUBSCRIBED'/s);
  const { request, said } = await say([first]);
  const id = /"value":"([^"]+)"/.exec(said)?.[1] ?? '';
  t.match(said, /SUBSCRIBED/);
  t.match(await refusal([subscribe({ id: { value: id }, hostname: 'other' })]), /^200 .* is h/s);
  request.destroy();
  const impatient = await StagedMaster.open(t, { agentTimeout: 0.3 });
  const silent = open({ 'Content-Type': type, 'Message-Content-Type': jsonCodec.contentType }, impatient);
  await new Promise((resolve) => silent.once('close', resolve));
  t.pass('who says nothing is not waited for');
  const machine_ids = [{ hostname: 'h' }];
  const unavailability = { start: { nanoseconds: 1 } };
  for (const call of [
    {
      type: 'UPDATE_MAINTENANCE_SCHEDULE',
      update_maintenance_schedule: { schedule: { windows: [{ machine_ids, unavailability }] } },
    },
    { type: 'START_MAINTENANCE', start_maintenance: { machines: machine_ids } },
  ] satisfies MasterCall[])
    t.match(await operator(staged, call), /^200/);
  t.match(await refusal([first]), /^200 .*down for maintenance/s);
});
