// Every action of a master's permissions, by those who may and those who may not.
import protobuf from 'protobufjs';
import t from 'tap';
import { Authorization } from '../../src/http/authorization.js';
import { jsonCodec } from '../../src/mesos/codec.js';
import type { FrameworkInfo, OfferOperation } from '../../src/mesos/messages.js';
import { messageType } from '../../src/mesos/schema.js';
import { post, SchedulerClient, task } from './scheduler-client.js';
import { StagedMaster, until } from './staged-master.js';

const basic = (name: string) => ({
  Authorization: `Basic ${Buffer.from(`${name}:of-${name}`).toString('base64')}`,
});

const permissions = {
  agents: { register_agents: true },
  marathon: { register_frameworks: ['web', 'batch/*'], run_tasks: ['www-data'] },
  chronos: { register_frameworks: true, run_tasks: true },
  viewer: { view: true, operate: false },
  ender: { teardown: true },
  operator: { operate: ['DEACTIVATE_AGENT', 'KILL_TASK', 'UPDATE_WEIGHTS'] },
  chief: { operate: true },
  '*': { view: true },
};
const principals = [...Object.keys(permissions).filter((name) => name !== '*'), 'someone'];
const passwords = principals.map((principal) => ({ principal, secret: `of-${principal}` }));

t.test('what each principal may do', async (t) => {
  // Who brings no credentials is root.
  const staged = await StagedMaster.open(t, { credentials: { passwords, tokens: [] }, permissions });
  const call = (body: object) => (name: string) =>
    post(staged.url, '/api/v1', {
      body: JSON.stringify(body),
      headers: { ...basic(name), 'Content-Type': 'application/json' },
    });
  const get = (path: string) => (name: string) =>
    post(staged.url, path, { method: 'GET', headers: basic(name) });
  const form = (path: string, body: string) => (name: string) =>
    post(staged.url, path, {
      body,
      headers: { ...basic(name), 'Content-Type': 'application/x-www-form-urlencoded' },
    });
  const agent_id = { value: 'nobody' };
  const asked: [string, (name: string) => Promise<{ status: number }>, string[]][] = [
    ['GET_STATE', call({ type: 'GET_STATE' }), ['viewer', 'someone']],
    ['/state', get('/master/state'), ['viewer', 'someone']],
    ['/metrics', get('/metrics/snapshot'), ['viewer', 'someone']],
    ['/berth/v1/self', get('/berth/v1/self'), ['viewer', 'someone']],
    ['TEARDOWN', call({ type: 'TEARDOWN', teardown: { framework_id: agent_id } }), ['ender']],
    ['/teardown', form('/master/teardown', 'frameworkId=nobody'), ['ender']],
    [
      'DEACTIVATE_AGENT',
      call({ type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id } }),
      ['operator', 'chief'],
    ],
    ['DRAIN_AGENT', call({ type: 'DRAIN_AGENT', drain_agent: { agent_id } }), ['chief']],
    ['UPDATE_QUOTA', call({ type: 'UPDATE_QUOTA', update_quota: { quota_configs: [] } }), ['chief']],
    [
      'RESERVE',
      call({ type: 'RESERVE_RESOURCES', reserve_resources: { agent_id, resources: [] } }),
      ['chief'],
    ],
    [
      'kill-task',
      (name) =>
        post(staged.url, '/berth/v1/kill-task', {
          body: '{"framework_id": "a", "task_id": "b"}',
          headers: { ...basic(name), 'Content-Type': 'application/json' },
        }),
      ['operator', 'chief'],
    ],
  ];
  for (const [what, ask, allowed] of asked) {
    const found: string[] = [];
    for (const name of principals) {
      const { status } = await ask(name);
      t.not(status, 401);
      if (status !== 403) found.push(name);
    }
    t.strictSame(found, allowed, what);
  }
  // Whatever there is to ask, and with nothing in it: nobody is told more than that he may not.
  for (const type of valuesOf('mesos.v1.master.Call', 'type'))
    t.equal((await call({ type })('marathon')).status, type === 'UNKNOWN' ? 400 : 403, type);
  const pages = [
    ...['health', 'flags', 'slaves', 'frameworks', 'roles', 'tasks', 'state', 'state.json', 'state-summary'],
    ...['maintenance/schedule', 'maintenance/status', 'quota', 'weights'],
  ];
  const alone = ['/version', '/berth/v1/self', '/metrics/snapshot', '/system/stats.json'];
  for (const page of [...pages.flatMap((name) => [`/${name}`, `/master/${name}`]), ...alone]) {
    t.equal((await get(page)('marathon')).status, 403, page);
    t.equal((await get(page)('viewer')).status, 200, page);
  }
  const changes: [method: string, name: string, type: string][] = [
    ['POST', 'teardown', ''],
    ['POST', 'reserve', 'RESERVE_RESOURCES'],
    ['POST', 'unreserve', 'UNRESERVE_RESOURCES'],
    ['POST', 'create-volumes', 'CREATE_VOLUMES'],
    ['POST', 'destroy-volumes', 'DESTROY_VOLUMES'],
    ['POST', 'machine/down', 'START_MAINTENANCE'],
    ['POST', 'machine/up', 'STOP_MAINTENANCE'],
    ['POST', 'maintenance/schedule', 'UPDATE_MAINTENANCE_SCHEDULE'],
    ['PUT', 'weights', 'UPDATE_WEIGHTS'],
    ['POST', 'quota', 'SET_QUOTA'],
    ['DELETE', 'quota/a', 'REMOVE_QUOTA'],
  ];
  for (const [method, name, type] of changes)
    for (const path of [`/${name}`, `/master/${name}`]) {
      const ask = (who: string) => post(staged.url, path, { method, body: '', headers: basic(who) });
      const { status, body } = await ask('viewer');
      const action = type === '' ? 'teardown' : `operate of '${type}'`;
      t.strictSame(
        [status, String(body)],
        [403, `Principal 'viewer' has no permission for ${action}`],
        `${method} ${path}`,
      );
      t.equal((await ask(type === '' ? 'ender' : 'chief')).status, 400, `${method} ${path}`);
    }
  for (const type of valuesOf('mesos.v1.scheduler.Call', 'type')) {
    const body = JSON.stringify({ type, framework_id: agent_id });
    const headers = { ...basic('chief'), 'Content-Type': 'application/json' };
    const { status } = await post(staged.url, '/master/api/v1/scheduler', { body, headers });
    t.ok(status === 403 || status === 400, `${type} is answered with ${status}`);
  }
  const subscribed = await call({ type: 'SUBSCRIBE' })('ender');
  t.match(
    [subscribed.status, String(subscribed.body)],
    [403, /^Principal 'ender' has no permission for view$/],
  );

  const stranger = staged.agent({ headers: basic('marathon') });
  await until('it is answered', () => stranger.lastStatus !== undefined);
  t.equal(stranger.lastStatus, 403, 'no agent');
  stranger.stop();
  const agent = staged.agent({ headers: basic('agents') });
  await until('it is connected', () => agent.connected);

  await t.test('frameworks by their roles', async (t) => {
    const subscribe = async (name: string, ...roles: string[]) => {
      const client = new SchedulerClient(staged.url, jsonCodec, basic(name));
      t.after(() => client.close());
      const capabilities = [{ type: 'MULTI_ROLE' as const }];
      try {
        await client.subscribe({ roles, capabilities });
      } catch {
        // Not even a stream.
      }
      return client.events[0]?.error?.message ?? client.events[0]?.type ?? 'refused';
    };
    t.equal(await subscribe('marathon', 'web', 'batch/night'), 'SUBSCRIBED');
    t.match(await subscribe('marathon', 'web', 'batch'), /no permission for register_frameworks of 'batch'/);
    t.match(await subscribe('marathon', 'web/shop'), /of 'web\/shop'/);
    t.equal(await subscribe('chronos', 'anything'), 'SUBSCRIBED');
    const { status } = await post(staged.url, '/api/v1/scheduler', {
      body: JSON.stringify({ type: 'SUBSCRIBE', subscribe: { framework_info: { user: '', name: '' } } }),
      headers: { ...basic('viewer'), 'Content-Type': 'application/json' },
    });
    t.equal(status, 403);
  });

  await t.test('tasks of a framework with a user of its own', async (t) => {
    const client = new SchedulerClient(staged.url, jsonCodec, basic('marathon'));
    t.after(() => client.close());
    await client.subscribe({ role: 'web', user: 'www-data' });
    const offer = await client.offer();
    const command = { value: 'true' };
    const mesos = { image: { type: 'DOCKER' as const, docker: { name: 'a' } } };
    const container = { type: 'MESOS' as const, mesos };
    await client.launch(offer, [
      task('its-own', offer, 0.1, { command }),
      task('the-image-s', offer, 0.1, { command, container }),
      task('an-empty-one', offer, 0.1, { command: { value: 'true', user: '' }, container }),
      task('said', offer, 0.1, { command: { value: 'true', user: 'www-data' }, container }),
    ]);
    const all = ['its-own', 'the-image-s', 'an-empty-one', 'said'];
    await until('all are answered', () => all.every((id) => client.states(id).length > 0));
    t.strictSame(
      all.filter((id) => client.states(id).includes('TASK_ERROR')),
      ['the-image-s', 'an-empty-one'],
    );
    await client.call({ type: 'TEARDOWN' });
    const removed = staged.master.cluster.completedFrameworks.get(client.id);
    t.equal(removed?.stopWaiting, undefined, 'nobody waits for it to come back');
  });

  await t.test('tasks by their users, and frameworks by their owners', async (t) => {
    const client = new SchedulerClient(staged.url, jsonCodec, basic('marathon'));
    t.after(() => client.close());
    await client.subscribe({ role: 'web', user: 'root', failover_timeout: 3600 });
    const launch = async (id: string, more: object) => {
      const offer = await client.offer();
      await client.launch(offer, [task(id, offer, 0.1, more)], 0);
      await until(`${id} is answered`, () => client.states(id).length > 0);
      const status = client.statuses.find(({ task_id }) => task_id.value === id);
      return `${status?.state} ${status?.reason} ${status?.message}`;
    };
    const forbidden = /^TASK_ERROR REASON_TASK_UNAUTHORIZED .*run_tasks of 'root'/;
    t.match(
      await launch('right', { command: { value: 'true', user: 'www-data' } }),
      /^TASK_(STARTING|RUNNING)/,
    );
    t.match(await launch('of-the-framework', {}), forbidden);
    t.match(await launch('other', { command: { value: 'true', user: 'root' } }), forbidden);
    const docker = { image: 'a', parameters: [{ key: 'user', value: 'root' }] };
    t.match(
      await launch('by-a-flag', {
        command: { value: 'true', user: 'www-data' },
        container: { type: 'DOCKER', docker },
      }),
      forbidden,
    );
    const executor = {
      executor_id: { value: 'e' },
      type: 'CUSTOM',
      command: { value: 'true', user: 'root' },
    };
    t.match(await launch('by-its-executor', { command: undefined, executor }), forbidden);
    const command = { value: 'true', user: 'www-data' };
    const probe = { value: 'true', user: 'root' };
    t.match(
      await launch('by-its-health', { command, health_check: { type: 'COMMAND', command: probe } }),
      forbidden,
    );
    t.match(
      await launch('by-its-check', { command, check: { type: 'COMMAND', command: { command: probe } } }),
      forbidden,
    );
    const offer = await client.offer();
    const tasks = [task('in-a-group', offer, 0.1, { command: { value: 'true', user: 'root' } })];
    const ofGroup = { executor_id: { value: 'g' }, type: 'DEFAULT' as const, resources: [] };
    const launch_group = { executor: ofGroup, task_group: { tasks } };
    client.offers.clear();
    await client.call({
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id],
        operations: [{ type: 'LAUNCH_GROUP', launch_group }],
        filters: { refuse_seconds: 0 },
      },
    });
    await until('the group is answered', () => client.states('in-a-group').length > 0);
    t.match(
      client.statuses.find(({ task_id }) => task_id.value === 'in-a-group'),
      { state: 'TASK_ERROR', reason: 'REASON_TASK_GROUP_UNAUTHORIZED', message: /run_tasks of 'root'/ },
    );
    const update = (role: string) =>
      client.call({
        type: 'UPDATE_FRAMEWORK',
        update_framework: {
          framework_info: {
            user: 'root',
            name: 'trial',
            failover_timeout: 3600,
            id: { value: client.id },
            role,
          },
        },
      });
    t.equal(await update('ops'), 403, 'nor by a change comes it to the role of others');
    t.equal(await update('web'), 200);
    const false_ = new SchedulerClient(staged.url, jsonCodec, basic('marathon'));
    t.after(() => false_.close());
    await false_.subscribe({ role: 'web', principal: 'chronos' });
    t.match(false_.events[0]?.error?.message, /'marathon' differs from the framework's 'chronos'/);
    const done = () => client.events.flatMap((event) => event.update_operation_status?.status ?? []);
    const reserve = async (id: string, roles: string[], ofSource: string[] | undefined, value = 8) => {
      const offer = await client.offer('disk');
      client.offers.clear();
      const disk = { name: 'disk', type: 'SCALAR' as const };
      const chain = (of: string[]) => of.map((role) => ({ type: 'DYNAMIC' as const, role }));
      const operation: OfferOperation = {
        type: 'RESERVE',
        id: { value: id },
        reserve: {
          resources: [{ ...disk, scalar: { value }, reservations: chain(roles) }],
          ...(ofSource && { source: [{ ...disk, scalar: { value: 8 }, reservations: chain(ofSource) }] }),
        },
      };
      const filters = { refuse_seconds: 0 };
      await client.call({
        type: 'ACCEPT',
        accept: { offer_ids: [offer.id], operations: [operation], filters },
      });
      await until(`${id} is answered`, () => done().some((each) => each.operation_id?.value === id));
      const { state, message } = done().find((each) => each.operation_id?.value === id) ?? {};
      return `${state} ${message}`;
    };
    t.match(await reserve('own', ['web'], undefined), /^OPERATION_FINISHED/);
    t.match(await reserve('own-by-source', ['web'], []), /^OPERATION_FINISHED/);
    const others = /^OPERATION_ERROR .*cannot be reserved for role 'ops'/;
    t.match(await reserve('others', ['ops'], undefined), others);
    t.match(await reserve('others-by-source', ['ops'], []), others);
    t.match(await reserve('more', ['web'], [], 80_000), /^OPERATION_ERROR/, 'no more than there is');

    const other = new SchedulerClient(staged.url, jsonCodec, basic('chronos'));
    t.after(() => other.close());
    await other.subscribe({ id: { value: client.id }, role: 'web' });
    t.match(other.events[0]?.error?.message, /Framework is of principal 'marathon'/, 'nobody takes it over');
    other.id = client.id;
    other.streamId = client.streamId;
    t.equal(await other.call({ type: 'REVIVE' }), 403, 'nor speaks for it');
    t.equal(await client.call({ type: 'REVIVE' }), 202);
    const { owner, info } = staged.master.cluster.frameworks.get(client.id) ?? {};
    t.match([owner, info], [{ principal: 'marathon' }, { principal: 'marathon' }]);

    const roots = new SchedulerClient(staged.url, jsonCodec);
    t.after(() => roots.close());
    await roots.subscribe({ role: 'web', failover_timeout: 3600 });
    t.equal(roots.events[0]?.type, 'SUBSCRIBED');
    const taken = new SchedulerClient(staged.url, jsonCodec, basic('chronos'));
    t.after(() => taken.close());
    await taken.subscribe({ id: { value: roots.id }, role: 'web' });
    t.match(taken.events[0]?.error?.message, /Framework is of root/);
    t.equal(await roots.call({ type: 'REVIVE' }), 202);
  });
});

t.test('root on the host may do everything, and so may all where nothing is said', async (t) => {
  const root = new Authorization({ '*': {} });
  t.equal(root.may({ principal: undefined }, 'operate', 'DRAIN_AGENT'), true);
  t.equal(root.may({ principal: 'a' }, 'operate', 'DRAIN_AGENT'), false);
  t.equal(new Authorization(undefined).may({ principal: 'a' }, 'operate', 'DRAIN_AGENT'), true);
  t.equal(new Authorization(undefined).may({ principal: undefined, executor: 'a' }, 'view'), false);
  t.equal(new Authorization({}).may({ principal: 'constructor' }, 'view'), false);
  t.equal(new Authorization({ a: {} }).may({ principal: 'a' }, 'toString'), false);
});

t.test('a framework is whose it was before there were permissions', async (t) => {
  const staged = await StagedMaster.open(t, { credentials: { passwords, tokens: [] } });
  const client = new SchedulerClient(staged.url, jsonCodec, basic('marathon'));
  t.after(() => client.close());
  await client.subscribe({ failover_timeout: 3600 });
  const principal = (): FrameworkInfo['principal'] =>
    staged.master.cluster.frameworks.get(client.id)?.info.principal;
  t.equal(principal(), 'marathon');
  await staged.restart();
  t.equal(principal(), 'marathon', 'it is in the store');
});

/** The names of an enumeration that a message has. */
function valuesOf(name: 'mesos.v1.master.Call' | 'mesos.v1.scheduler.Call', field: string): string[] {
  const type = messageType(name).fields[field]?.resolve().resolvedType;
  if (!(type instanceof protobuf.Enum)) throw new Error(`${name}.${field} is no enumeration`);
  return Object.keys(type.values);
}
