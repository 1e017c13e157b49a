// Every action of a master's permissions, by those who may and those who may not.
import t from 'tap';
import { Authorization } from '../../src/http/authorization.js';
import { jsonCodec } from '../../src/mesos/codec.js';
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
  const staged = await StagedMaster.open(
    t,
    { credentials: { passwords, tokens: [] }, permissions },
    false,
    () => undefined,
  );
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

    const other = new SchedulerClient(staged.url, jsonCodec, basic('chronos'));
    t.after(() => other.close());
    await other.subscribe({ id: { value: client.id }, role: 'web' });
    t.match(other.events[0]?.error?.message, /Framework is of principal 'marathon'/, 'nobody takes it over');
    other.id = client.id;
    other.streamId = client.streamId;
    t.equal(await other.call({ type: 'REVIVE' }), 403, 'nor speaks for it');
    t.equal(await client.call({ type: 'REVIVE' }), 202);
  });
});

t.test('root on the host may do everything, and so may all where nothing is said', async (t) => {
  const root = new Authorization({ '*': {} });
  t.equal(root.may({ principal: undefined }, 'operate', 'DRAIN_AGENT'), true);
  t.equal(root.may({ principal: 'a' }, 'operate', 'DRAIN_AGENT'), false);
  t.equal(new Authorization(undefined).may({ principal: 'a' }, 'operate', 'DRAIN_AGENT'), true);
  t.equal(new Authorization({}).may({ principal: 'constructor' }, 'view'), false);
  t.equal(new Authorization({ a: {} }).may({ principal: 'a' }, 'toString'), false);
});
