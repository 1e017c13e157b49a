import { spawn } from 'node:child_process';
import http from 'node:http';
import t from 'tap';
import { RecordReader } from '../../src/http/record-io.js';
import { jsonCodec } from '../../src/mesos/codec.js';
import type { MasterCall, MasterEvent, MasterResponse } from '../../src/mesos/messages.js';
import { berth } from '../agent/berth-process.js';
import { bareNode } from '../cli/berth.js';
import { post, SchedulerClient, task } from './scheduler-client.js';
import { StagedMaster, type Test, until } from './staged-master.js';

const aware = { failover_timeout: 3600, capabilities: [{ type: 'PARTITION_AWARE' as const }] };

async function framework(t: Test, staged: StagedMaster, info = {}): Promise<SchedulerClient> {
  const client = new SchedulerClient(staged.url);
  t.after(() => client.close());
  return client.subscribe(info);
}

async function ask(staged: StagedMaster, call: MasterCall): Promise<Partial<MasterResponse>> {
  const answer = await post(staged.url, '/api/v1', {
    body: JSON.stringify(call),
    headers: { 'Content-Type': 'application/json' },
  });
  if (answer.status !== 200) throw new Error(`${call.type}: ${answer.status} ${answer.body}`);
  return answer.body.length === 0 ? {} : jsonCodec.decode('mesos.v1.master.Response', answer.body);
}

async function page(staged: StagedMaster, path: string): Promise<unknown> {
  const { status, body } = await post(staged.url, path, { method: 'GET' });
  if (status !== 200) throw new Error(`${path}: ${status}`);
  return JSON.parse(body.toString());
}

/** One agent, one framework, and one task that runs until it is told otherwise. */
async function running(t: Test, staged: StagedMaster, info: object = aware) {
  const agent = staged.agent({ retry: 0.2 });
  const client = await framework(t, staged, info);
  const offer = await client.offer();
  await client.launch(offer, [task('x', offer)], 0);
  // What is not acknowledged in time is said again.
  await until('it runs', () => client.states('x').length > 0);
  return { agent, client };
}

t.test(
  'an agent that is cut off, frozen or silent is unreachable, and its tasks come back with it',
  async (t) => {
    const staged = await StagedMaster.open(t, { agentTimeout: 1.2, agentHeartbeat: 0.2 });
    const { agent, client } = await running(t, staged);
    agent.cut();
    await until('the loss is noticed', () => client.states('x').includes('TASK_UNREACHABLE'));
    t.match(client.statuses.at(-1), { reason: 'REASON_AGENT_REMOVED', source: 'SOURCE_MASTER' });
    t.ok(client.saw('FAILURE'));
    t.match(await ask(staged, { type: 'GET_TASKS' }), { get_tasks: { unreachable_tasks: [{ name: 'x' }] } });
    const environment = { BERTH_MASTER: staged.url };
    t.match((await berth(environment, 'node', 'ls', '--json')).json(), {
      nodes: [{ id: agent.id, state: 'unreachable', address: '127.0.0.1:20000' }],
    });
    t.match((await berth(environment, 'ps', '--cluster', '--json')).json(), {
      rows: [{ level: 'cluster' }, { level: 'node', state: 'unreachable', cpu_percent: null }],
    });
    agent.connect();
    await until('it is back', () => client.states('x').at(-1) === 'TASK_RUNNING');
    t.ok(client.statuses.some(({ reason }) => reason === 'REASON_AGENT_REREGISTERED'));
    agent.freeze();
    await until('silence is noticed', () => client.states('x').at(-1) === 'TASK_UNREACHABLE');
    client.statuses.length = 0;
    await client.call({ type: 'RECONCILE', reconcile: { tasks: [{ task_id: { value: 'x' } }] } });
    await until('it is told again', () => client.statuses.length === 1);
    t.match(client.statuses, [{ state: 'TASK_UNREACHABLE', reason: 'REASON_RECONCILIATION' }]);
  },
);

t.test('an agent with more tasks than one record holds comes back with all of them', async (t) => {
  const staged = await StagedMaster.open(t, { bodyLimit: 96 * 1024 });
  const agent = staged.agent({ cpus: 100, mem: 10_000, tasksPerReport: 7 });
  const client = await framework(t, staged, aware);
  const labels = { labels: [{ key: 'long', value: 'x'.repeat(2000) }] };
  const count = 60;
  for (let first = 0; first < count; first += 20) {
    const offer = await client.offer();
    const tasks = Array.from({ length: 20 }, (_, i) => task(`t${first + i}`, offer, 0.1, { labels }));
    t.equal(await client.launch(offer, tasks, 0), 202);
    await until('they run', () => client.statuses.length === first + 20);
  }
  agent.connect();
  await until('it is back', () => agent.orders.filter((type) => type === 'SUBSCRIBED').length === 2);
  await until('it is idle', () => agent.quiet);
  t.equal(agent.tasks.size, count);
  t.equal(agent.lastStatus, 200);
  t.match(await page(staged, '/slaves'), {
    slaves: [{ active: true, used_resources: { cpus: count / 10 } }],
  });
  t.notOk(
    client.statuses.some(({ state }) => state !== 'TASK_RUNNING'),
    'and no task was taken for lost',
  );

  const long = { labels: [{ key: 'long', value: 'x'.repeat(300_000) }] };
  const whole = await StagedMaster.open(t);
  whole.agent();
  const other = await framework(t, whole, aware);
  const room = await other.offer();
  await other.launch(room, [task('long', room, 1, { labels: long })], 0);
  await until('it is refused', () => other.states('long').length === 1);
  t.match(other.statuses, [
    {
      state: 'TASK_ERROR',
      reason: 'REASON_TASK_INVALID',
      message: /has 3\d{5} bytes as JSON, and 262144 are the most/,
    },
  ]);
});

t.test('a task that was called lost does not come back to a framework that believes it', async (t) => {
  const staged = await StagedMaster.open(t, { agentTimeout: 1.2, agentHeartbeat: 0.2 });
  const { agent, client } = await running(t, staged, { failover_timeout: 3600 });
  agent.cut();
  await until('it is lost', () => client.states('x').at(-1) === 'TASK_LOST');
  agent.connect();
  await until('it is killed there', () => agent.tasks.size === 0 && agent.connected);
  t.strictSame(
    [...new Set(client.states('x'))],
    ['TASK_RUNNING', 'TASK_LOST'],
    'and nobody is told otherwise',
  );
  await until('nothing is held for it', () => {
    const offered = [...client.offers.values()].flatMap((offer) => offer.resources ?? []);
    return (
      offered.reduce((sum, { name, scalar }) => sum + (name === 'cpus' ? (scalar?.value ?? 0) : 0), 0) === 4
    );
  });
});

t.test('a master that restarts loses no task, and what happened meanwhile is told', async (t) => {
  const staged = await StagedMaster.open(t, { agentTimeout: 5 });
  const patient = { ...aware, failover_timeout: Number.POSITIVE_INFINITY };
  const { agent, client } = await running(t, staged, patient);
  const key = `${client.id}/x`;
  await until('its last status is kept', () => client.states('x').includes('TASK_RUNNING'));
  const before = await ask(staged, { type: 'GET_TASKS' });
  await staged.restart();
  const kept = await ask(staged, { type: 'GET_TASKS' });
  t.equal(kept.get_tasks?.tasks?.[0]?.statuses?.[0]?.uuid?.length, 16);
  t.strictSame(kept.get_tasks?.tasks?.[0]?.statuses, before.get_tasks?.tasks?.[0]?.statuses);
  const { get_frameworks } = await ask(staged, { type: 'GET_FRAMEWORKS' });
  t.equal(get_frameworks?.frameworks?.[0]?.framework_info.failover_timeout, patient.failover_timeout);
  agent.end(key, 'TASK_FINISHED');
  await client.subscribe({ ...aware, id: { value: client.id } });
  await until('its end is told', () => client.states('x').includes('TASK_FINISHED'));
  await until('the agent forgets it', () => agent.tasks.size === 0);
  // What was not acknowledged in time is said again.
  t.strictSame([...new Set(client.states('x'))], ['TASK_RUNNING', 'TASK_FINISHED']);
  t.match(await page(staged, '/tasks'), { tasks: [{ id: 'x', state: 'TASK_FINISHED', slave_id: agent.id }] });
});

t.test('a task that the agent never got is dropped when it comes back without it', async (t) => {
  const staged = await StagedMaster.open(t, { agentTimeout: 5 });
  const { agent, client } = await running(t, staged);
  agent.cut();
  await until('it is away', () =>
    [...staged.master.cluster.agents.values()].every((each) => !each.connected),
  );
  agent.forget();
  agent.connect();
  await until('that is told', () => client.states('x').includes('TASK_DROPPED'));
  t.equal(client.statuses.at(-1)?.uuid, undefined);
});

t.test('drain, deactivate, reactivate, gone', async (t) => {
  const staged = await StagedMaster.open(t);
  const { agent, client } = await running(t, staged);
  const agent_id = { value: agent.id ?? '' };
  await ask(staged, { type: 'DRAIN_AGENT', drain_agent: { agent_id, max_grace_period: { seconds: 60 } } });
  await until('its tasks end', () => client.states('x').includes('TASK_KILLED'));
  t.match(client.statuses.at(-1), { reason: 'REASON_AGENT_DRAINING' });
  await until('it has no task', () => agent.tasks.size === 0);
  const drained = await ask(staged, { type: 'GET_AGENTS' });
  t.match(drained.get_agents?.agents, [{ deactivated: true, drain_info: { state: 'DRAINED' } }]);
  t.equal(client.offers.size, 0);
  await ask(staged, { type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id } });
  await client.offer();
  await ask(staged, { type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id } });
  await until('the offer is taken back', () => client.offers.size === 0);
  await ask(staged, { type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id } });
  const offer = await client.offer();
  await client.launch(offer, [task('y', offer)]);
  await until('it runs', () => client.states('y').length === 1);
  await ask(staged, { type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id } });
  await until('that is told', () => client.states('y').includes('TASK_GONE_BY_OPERATOR'));
  await until('it hears of it', () => agent.orders.includes('SHUTDOWN'));
  agent.orders.length = 0;
  agent.connect();
  await until('it is not let in again', () => agent.orders.includes('SHUTDOWN'));
});

t.test(
  'maintenance: offers say when, frameworks are asked to leave, machines go down and come up',
  async (t) => {
    const staged = await StagedMaster.open(t);
    const { client, agent } = await running(t, staged);
    const machine_ids = [{ hostname: 'host0' }];
    const unavailability = { start: { nanoseconds: 1.9e18 }, duration: { nanoseconds: 3.6e12 } };
    const schedule = { windows: [{ machine_ids, unavailability }] };
    client.offers.clear();
    await ask(staged, { type: 'UPDATE_MAINTENANCE_SCHEDULE', update_maintenance_schedule: { schedule } });
    await until('it is asked', () => client.saw('INVERSE_OFFERS'));
    t.match(await client.offer(), { unavailability });
    const asked = client.events.find((event) => event.type === 'INVERSE_OFFERS')?.inverse_offers
      ?.inverse_offers;
    t.match(asked, [{ unavailability, agent_id: { value: agent.id } }]);
    await client.call({
      type: 'ACCEPT_INVERSE_OFFERS',
      accept_inverse_offers: { inverse_offer_ids: (asked ?? []).map(({ id }) => id) },
    });
    t.match(await ask(staged, { type: 'GET_MAINTENANCE_STATUS' }), {
      get_maintenance_status: { status: { draining_machines: [{ statuses: [{ status: 'ACCEPT' }] }] } },
    });
    const asks = () => client.events.filter(({ type }) => type === 'INVERSE_OFFERS').length;
    const other = await framework(t, staged, { ...aware, name: 'other' });
    await client.call({ type: 'SUPPRESS' });
    const offer_ids = [...client.offers.values()].map(({ id }) => id);
    await client.call({ type: 'DECLINE', decline: { offer_ids, filters: { refuse_seconds: 0 } } });
    const offer = await other.offer();
    await other.launch(offer, [task('y', offer)], 0);
    await until('who comes there in spite of it is asked too', () => other.saw('INVERSE_OFFERS'));
    t.equal(asks(), 1, 'who has answered is not');
    await ask(staged, { type: 'START_MAINTENANCE', start_maintenance: { machines: machine_ids } });
    await until('its tasks are gone', () => client.states('x').includes('TASK_GONE'));
    t.match(await page(staged, '/maintenance/status'), { down_machines: machine_ids });
    await ask(staged, { type: 'STOP_MAINTENANCE', stop_maintenance: { machines: machine_ids } });
    t.match(await page(staged, '/maintenance/schedule'), { windows: [] });
  },
);

t.test('the event stream, quotas, weights and the older pages', async (t) => {
  const staged = await StagedMaster.open(t);
  const events: MasterEvent[] = [];
  const request = http.request(`${staged.url}/api/v1`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
  });
  t.after(() => request.destroy());
  request.on('response', (response) => {
    const reader = new RecordReader(1 << 24);
    response.on('error', () => {});
    response.on('data', (piece: Buffer) => {
      for (const each of reader.push(piece)) events.push(jsonCodec.decode('mesos.v1.master.Event', each));
    });
  });
  request.on('error', () => {});
  request.end('{"type":"SUBSCRIBE"}');
  await until('a picture comes', () => events[0]?.type === 'SUBSCRIBED');
  const { client, agent } = await running(t, staged);
  await until('all is told', () => events.some((event) => event.type === 'TASK_UPDATED'));
  for (const type of ['AGENT_ADDED', 'FRAMEWORK_ADDED', 'TASK_ADDED'] as const)
    t.ok(
      events.some((event) => event.type === type),
      type,
    );
  await ask(staged, { type: 'UPDATE_WEIGHTS', update_weights: { weight_infos: [{ role: 'a', weight: 2 }] } });
  t.match(await ask(staged, { type: 'GET_WEIGHTS' }), {
    get_weights: { weight_infos: [{ role: 'a', weight: 2 }] },
  });
  const limits = { cpus: { value: 1.5 } };
  await ask(staged, { type: 'UPDATE_QUOTA', update_quota: { quota_configs: [{ role: 'a', limits }] } });
  t.match(await ask(staged, { type: 'GET_QUOTA' }), {
    get_quota: { status: { configs: [{ role: 'a', limits }] } },
  });
  t.match(await page(staged, '/master/state'), {
    slaves: [{ id: agent.id, hostname: 'host0', used_resources: { cpus: 1, mem: 32 } }],
    frameworks: [{ id: client.id, role: '*', tasks: [{ id: 'x', executor_id: '', slave_id: agent.id }] }],
  });
  t.match(await page(staged, '/metrics/snapshot'), { 'master/slaves_active': 1, 'master/tasks_running': 1 });
  t.match(await page(staged, '/slaves'), { slaves: [{ resources: { ports: '[31000-32000]' } }] });
  const { status, headers } = await post(staged.url, '/redirect', { method: 'GET' });
  t.strictSame([status, headers.location], [307, `//127.0.0.1:${staged.port}`]);
  t.match(await page(staged, '/roles'), { roles: [{ name: '*', frameworks: [client.id] }] });
  for (const path of ['/health', '/version', '/flags', '/frameworks', '/state-summary', '/quota', '/weights'])
    t.ok(await page(staged, path), path);
  await ask(staged, { type: 'TEARDOWN', teardown: { framework_id: { value: client.id } } });
  await until('its task ends', () => agent.tasks.size === 0);
  await until('that is told', () => events.some((event) => event.type === 'FRAMEWORK_REMOVED'));
  t.equal(
    staged.master.cluster.allocator.allocatedOf(agent.id ?? '').isEmpty,
    true,
    'nothing is held for it',
  );
});

t.test('the older endpoints that change something, as tools call them', async (t) => {
  const staged = await StagedMaster.open(t);
  const { agent, client } = await running(t, staged);
  const send = async (path: string, body: string, method = 'POST', type?: string) => {
    const headers = type === undefined ? {} : { 'Content-Type': type };
    return (await post(staged.url, path, { method, body, headers })).status;
  };
  const form = (path: string, values: Record<string, string>) =>
    send(path, new URLSearchParams(values).toString(), 'POST', 'application/x-www-form-urlencoded');
  const slaveId = agent.id ?? '';
  const reservations = [{ type: 'DYNAMIC', role: 'ads' }];
  const disk = { name: 'disk', type: 'SCALAR', scalar: { value: 64 }, reservations };
  const volume = { persistence: { id: 'v' }, volume: { container_path: 'v', mode: 'RW' } };
  const volumes = JSON.stringify([{ ...disk, disk: volume }]);
  const resources = JSON.stringify([disk]);
  const reserved = () => staged.master.cluster.agents.get(slaveId)?.total.toString() ?? '';
  t.equal(await form('/reserve', { slaveId, resources }), 202);
  t.equal(await form('/master/create-volumes', { slaveId, volumes }), 202);
  t.match(reserved(), /ads/);
  t.equal(await form('/unreserve', { slaveId, resources }), 409, 'a volume is made of it');
  t.match(await page(staged, '/slaves'), { slaves: [{ reserved_resources: { ads: { disk: 64 } } }] });
  t.equal(await form('/destroy-volumes', { slaveId, volumes }), 202);
  t.equal(await form('/unreserve', { slaveId, resources }), 202);
  t.notMatch(reserved(), /ads/);
  t.equal(await form('/reserve', { resources }), 400, 'no agent is named');
  t.equal(await form('/reserve', { slaveId, resources: '[{"name":' }), 400);
  t.equal(await form('/reserve', { slaveId, resources: '[{"type":"SCALAR"}]' }), 400);
  t.equal(await form('/reserve', { slaveId: 'x', resources }), 404);

  t.equal(await send('/weights', '[{"role":"ads","weight":3}]', 'PUT'), 200);
  t.match(await page(staged, '/weights'), [{ role: 'ads', weight: 3 }]);
  t.equal(await send('/weights', '[{"role":"ads","weight":-3}]', 'PUT'), 400);
  const guarantee = [{ name: 'cpus', type: 'SCALAR', scalar: { value: 1 } }];
  const quota = JSON.stringify({ role: 'ads/x', guarantee });
  t.equal(await send('/quota', quota), 200);
  t.match(await page(staged, '/quota'), { infos: [{ role: 'ads/x', limits: { cpus: { value: 1 } } }] });
  t.equal(await send('/quota', quota), 400, 'there is one');
  t.equal(await send('/quota/ads%2Fx', '', 'DELETE'), 200);
  t.equal(await send('/quota/ads/x', '', 'DELETE'), 400, 'there is none any more');

  const machine = [{ hostname: 'elsewhere', ip: '10.1.2.3' }];
  const windows = [{ machine_ids: machine, unavailability: { start: { nanoseconds: 1e18 } } }];
  t.equal(await send('/machine/down', JSON.stringify(machine)), 400, 'it is in no schedule');
  t.equal(await send('/maintenance/schedule', JSON.stringify({ windows })), 200);
  t.match(await page(staged, '/maintenance/schedule'), { windows: [{ machine_ids: machine }] });
  t.equal(await send('/master/machine/down', JSON.stringify(machine)), 200);
  t.equal(await send('/machine/up', JSON.stringify(machine)), 200);

  t.equal(await form('/teardown', { frameworkId: 'nobody' }), 400);
  t.equal(await form('/teardown', { id: client.id }), 400);
  t.equal(await form('/teardown', { frameworkId: client.id }), 200);
  await until('its task ends', () => agent.tasks.size === 0);
});

t.test('without credentials only root and its own user on this host are heard', async (t) => {
  const credentials = {
    passwords: [{ principal: 'ada', secret: 'pass:word' }],
    tokens: [{ principal: 'bob', token: 'abc' }],
  };
  const staged = await StagedMaster.open(t, { credentials }, true);
  const get = async (headers: Record<string, string>) =>
    (await post(staged.url, '/version', { method: 'GET', headers })).status;
  const basic = (text: string) => ({ Authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  t.equal(await get({}), 200, 'root');
  t.equal(await get({ Origin: 'http://localhost' }), 401, 'a page in a browser');
  t.equal(await get({ Host: 'rebound.example' }), 401, 'a name that was made to lead here');
  t.equal(await get(basic('ada:pass:word')), 200, 'a password');
  t.equal(await get(basic('ada:wrong')), 401, 'a wrong password, though from root');
  t.equal(await get(basic('nobody:')), 401, 'nobody');
  t.equal(await get({ Authorization: 'Bearer abc' }), 200, 'a token');
  t.equal(await get({ Authorization: 'Bearer abcd' }), 401, 'a wrong token');
  t.equal(
    await get({ ...basic('ada:pass:word'), Origin: 'http://elsewhere' }),
    403,
    'a page with a password',
  );
  if (process.getuid?.() !== 0) return;
  const asNobody = async (headers: object) => {
    const program = `process.setgid(65534);process.setuid(65534);
      fetch(${JSON.stringify(`${staged.url}/version`)},{headers:${JSON.stringify(headers)}})
        .then((answer)=>process.stdout.write(String(answer.status)))`;
    const [file = '', ...rest] = bareNode;
    const child = spawn(file, [...rest, '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (piece) => {
      text += piece;
    });
    await new Promise((resolve) => child.on('close', resolve));
    return text;
  };
  t.equal(await asNobody({}), '401', 'another user of this host');
  t.equal(await asNobody(basic('ada:pass:word')), '200', 'another user with a password');
});
