// Every action of an agent's permissions, by those who may and those who may not. Nothing is launched: what is allowed fails for another reason.
import t from 'tap';
import { frame } from '../../src/http/record-io.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { post } from '../master-lite/scheduler-client.js';
import { StagedCluster } from './staged-cluster.js';

const permissions = {
  viewer: { view: true },
  reader: { read_sandboxes: true },
  helper: { enter_containers: true },
  starter: { run_containers: ['www-data'] },
  operator: { operate: ['SET_LOGGING_LEVEL'] },
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
  const launch = (user: string) =>
    call({ type: 'LAUNCH_CONTAINER', launch_container: { container_id: { value: '/' }, command: { user } } });
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
      'helper',
    ],
    [
      'a container below',
      call({ type: 'LAUNCH_CONTAINER', launch_container: { container_id: below } }),
      'helper',
    ],
    ['its end', call({ type: 'KILL_CONTAINER', kill_container: { container_id: below } }), 'helper'],
    [
      'its output',
      call({ type: 'ATTACH_CONTAINER_OUTPUT', attach_container_output: { container_id } }),
      'helper',
    ],
    ['its input', (name) => ask(name, '/api/v1', input, 'application/recordio'), 'helper'],
    ['a container', launch('www-data'), 'starter'],
    ['one as root', launch(''), ''],
    ['the end of one', call({ type: 'KILL_CONTAINER', kill_container: { container_id } }), 'starter'],
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
});
