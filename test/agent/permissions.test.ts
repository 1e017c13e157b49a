// Every action of an agent's permissions, by those who may and those who may not. Nothing is launched: what is allowed fails for another reason.
import protobuf from 'protobufjs';
import t from 'tap';
import { frame } from '../../src/http/record-io.js';
import { messageType } from '../../src/mesos/schema.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { post } from '../master-lite/scheduler-client.js';
import { StagedCluster } from './staged-cluster.js';

const permissions = {
  viewer: { view: true },
  reader: { read_sandboxes: true },
  helper: { enter_containers: true },
  starter: { run_containers: ['www-data'] },
  operator: { operate: ['SET_LOGGING_LEVEL'] },
  both: { enter_containers: true, run_containers: ['www-data'] },
};
const principals = [...Object.keys(permissions), 'someone'];
const passwords = principals.map((principal) => ({ principal, secret: 'open' }));

t.test('what each principal may do at an agent', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await StagedCluster.open(t, stage, { credentials: { passwords, tokens: [] }, permissions });
  const ask = (name: string, path: string, body?: string | Buffer, type = 'application/json') =>
    post(cluster.url, path, {
      method: body === undefined ? 'GET' : 'POST',
      ...(body !== undefined && { body }),
      headers: {
        Authorization: `Basic ${Buffer.from(`${name}:open`).toString('base64')}`,
        ...(body !== undefined && { 'Content-Type': type, 'Message-Content-Type': 'application/json' }),
      },
    });
  const call = (body: object) => (name: string) => ask(name, '/api/v1', JSON.stringify(body));
  const get = (path: string) => (name: string) => ask(name, path);
  const container_id = { value: 'nobody' };
  const below = { value: 'child', parent: container_id };
  const launch = (user: string, more: object = {}) =>
    call({
      type: 'LAUNCH_CONTAINER',
      launch_container: { container_id: { value: '/' }, command: { user }, ...more },
    });
  const flag = (value: string) => ({
    container: { type: 'DOCKER', docker: { image: 'a', parameters: [{ key: 'user', value }] } },
  });
  const nested = (type: 'container' | 'nested_container', user?: string) =>
    call({
      type: `LAUNCH_${type.toUpperCase()}`,
      [`launch_${type}`]: { container_id: below, command: { value: 'true', user } },
    });
  const input = frame(
    Buffer.from(
      JSON.stringify({
        type: 'ATTACH_CONTAINER_INPUT',
        attach_container_input: { type: 'CONTAINER_ID', container_id },
      }),
    ),
  );
  const asked: [string, (name: string) => Promise<{ status: number }>, string][] = [
    ['GET_STATE', call({ type: 'GET_STATE' }), 'viewer'],
    ['/state', get('/slave(1)/state'), 'viewer'],
    ['/berth/v1/inspect', get('/berth/v1/inspect?interval=0.01'), 'viewer'],
    ['/metrics', get('/metrics'), 'viewer'],
    ['LIST_FILES', call({ type: 'LIST_FILES', list_files: { path: '/' } }), 'reader'],
    ['READ_FILE', call({ type: 'READ_FILE', read_file: { path: '/x', offset: 0 } }), 'reader'],
    ...['browse', 'debug', 'read', 'download'].map(
      (name): [string, (who: string) => Promise<{ status: number }>, string] => [
        `/files/${name}`,
        get(`/files/${name}?path=/x`),
        'reader',
      ],
    ),
    ['logs', get('/berth/v1/logs?sandbox=/x'), 'reader'],
    [
      'a session',
      call({
        type: 'LAUNCH_NESTED_CONTAINER_SESSION',
        launch_nested_container_session: { container_id: below, command: { value: 'true' } },
      }),
      'helper,both',
    ],
    ['a container below', nested('container', 'www-data'), 'both'],
    ['one as root', nested('container', 'root'), ''],
    ['one as somebody', nested('container'), ''],
    ['a nested container', nested('nested_container', 'www-data'), 'both'],
    ['one as root', nested('nested_container', 'root'), ''],
    ['one as somebody', nested('nested_container'), ''],
    ['its end', call({ type: 'KILL_CONTAINER', kill_container: { container_id: below } }), 'helper,both'],
    [
      'its output',
      call({ type: 'ATTACH_CONTAINER_OUTPUT', attach_container_output: { container_id } }),
      'helper,both',
    ],
    ['its input', (name) => ask(name, '/api/v1', input, 'application/recordio'), 'helper,both'],
    ['a container', launch('www-data'), 'starter,both'],
    ['one as root', launch(''), ''],
    ['one by a flag', launch('www-data', flag('www-data')), 'starter,both'],
    ['one as root by a flag', launch('www-data', flag('root')), ''],
    ['one as root by an empty flag', launch('www-data', flag('')), ''],
    ['the end of one', call({ type: 'KILL_CONTAINER', kill_container: { container_id } }), 'starter,both'],
    [
      'SET_LOGGING_LEVEL',
      call({ type: 'SET_LOGGING_LEVEL', set_logging_level: { level: 0, duration: { nanoseconds: 1 } } }),
      'operator',
    ],
    ['PRUNE_IMAGES', call({ type: 'PRUNE_IMAGES' }), ''],
  ];
  for (const [what, who, allowed] of asked) {
    const found: string[] = [];
    for (const name of principals) {
      const { status } = await who(name);
      t.not(status, 401);
      if (status !== 403) found.push(name);
    }
    t.equal(found.join(), allowed, what);
  }

  // Whatever there is to ask, and with nothing in it.
  const { type: kind } = messageType('mesos.v1.agent.Call').fields;
  const types = kind?.resolve().resolvedType;
  if (!(types instanceof protobuf.Enum)) throw new Error('calls have no types');
  for (const type of Object.keys(types.values))
    t.equal((await call({ type })('someone')).status, type === 'UNKNOWN' ? 400 : 403, type);
  const pages = [
    ...[
      'health',
      'flags',
      'state',
      'state.json',
      'monitor/statistics',
      'monitor/statistics.json',
      'containers',
    ],
    'api/v1/executor',
  ].flatMap((name) => [`/${name}`, `/slave(1)/${name}`]);
  const alone = ['/version', '/metrics', '/metrics/snapshot', '/system/stats.json'];
  for (const page of [...pages, ...alone, '/berth/v1/self', '/berth/v1/events', '/files/read.json']) {
    const { status } = await get(page)('someone');
    t.equal(status, page.endsWith('executor') ? 401 : 403, page);
  }

  await t.test('the containers of tasks are no one’s own', async (t) => {
    await cluster.launch({ name: 'task', command: { value: 'exec sleep 1000' } });
    const { container_status } = await cluster.reaches('task', 'TASK_RUNNING');
    const its = { container_id: container_status?.container_id };
    t.equal((await call({ type: 'KILL_CONTAINER', kill_container: its })('starter')).status, 403);
    t.equal((await call({ type: 'WAIT_CONTAINER', wait_container: its })('starter')).status, 403);
    t.equal((await call({ type: 'REMOVE_CONTAINER', remove_container: its })('starter')).status, 403);
    t.equal((await call({ type: 'KILL_CONTAINER', kill_container: its })('both')).status, 200);
    await cluster.reaches('task', 'TASK_FAILED');
  });
});
