import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, lstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { agentSocket } from '../../src/agent/api/api.js';
import { RecordReader } from '../../src/http/record-io.js';
import { jsonCodec, protobufCodec } from '../../src/mesos/codec.js';
import type { AgentCall, AgentResponse } from '../../src/mesos/messages.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../master-lite/staged-master.js';
import { Cluster, sandboxOf, task } from './staged-agent.js';

interface Answer {
  status: number;
  type: string | undefined;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  json: () => never;
}

function ask(
  place: { port: number } | { socketPath: string },
  url: string,
  { body, headers = {} }: { body?: Buffer | string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      path: url,
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
    };
    const request = http.request({ ...options, ...place, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const whole = Buffer.concat(parts);
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'],
          headers: response.headers,
          body: whole,
          json: () => JSON.parse(whole.toString()) as never,
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Where the agent of a cluster answers, by what the master says of it. */
async function portOf(cluster: Cluster): Promise<number> {
  const { json } = await ask({ port: cluster.master.port }, '/slaves');
  const { slaves } = json() as { slaves: { port: number }[] };
  return slaves[0]?.port ?? 0;
}

const json = { 'Content-Type': 'application/json' };

async function scene(t: Test, flags: string[] = []) {
  const stage = await Stage.open(t);
  const cluster = await Cluster.open(t, stage, { flags });
  const port = await portOf(cluster);
  const call = async (message: AgentCall, place: Parameters<typeof ask>[0] = { port }) => {
    const { status, body } = await ask(place, '/api/v1', { body: JSON.stringify(message), headers: json });
    if (status !== 200) throw new Error(`${message.type} was answered with ${status}: ${body}`);
    return JSON.parse(body.toString()) as AgentResponse;
  };
  return { stage, cluster, port, call, get: (url: string) => ask({ port }, url) };
}

t.test('an agent tells of itself, its tasks and their files', unlessRoot, async (t) => {
  const { stage, cluster, port, call, get } = await scene(t);
  const events: { type: string; task_id?: string; state?: string }[] = [];
  const reader = new RecordReader(1 << 20);
  const following = http.get(
    { port, host: '127.0.0.1', path: '/berth/v1/events', agent: false },
    (response) => {
      response.on('data', (piece: Buffer) => {
        for (const record of reader.push(piece)) events.push(JSON.parse(record.toString()));
      });
      response.on('error', () => {});
    },
  );
  following.on('error', () => {});
  await until('the stream has begun', () => events.length > 0);
  const command =
    'echo out; echo err >&2; echo kept > file; while [ ! -e end ]; do sleep 0.05; done; echo last';
  await cluster.launch(task('talks', command));
  const status = await cluster.status('talks', 'TASK_RUNNING');
  const sandbox = sandboxOf(stage, status, cluster.framework.id);
  const latest = `/frameworks/${cluster.framework.id}/executors/talks/runs/latest`;
  const container = path.basename(sandbox);
  const size = async (name: string) =>
    ((await get(`/files/read?path=${sandbox}/${name}&offset=-1`)).json() as { offset: number }).offset;
  await until(
    'it has written',
    () => lstatSync(path.join(sandbox, 'file'), { throwIfNoEntry: false })?.size === 5,
  );
  // Its log is written by another, which may be later.
  while ((await size('stdout')) !== 4 || (await size('stderr')) !== 4) await sleep(10);

  t.match((await call({ type: 'GET_HEALTH' })).get_health, { healthy: true });
  t.match((await call({ type: 'GET_VERSION' })).get_version, { version_info: { version: String } });
  t.match(
    (await call({ type: 'GET_FLAGS' })).get_flags?.flags?.find(({ name }) => name === 'port'),
    {
      value: String(port),
    },
  );
  t.match((await call({ type: 'GET_AGENT' })).get_agent, { agent_info: { port, id: status.agent_id } });
  t.match((await call({ type: 'GET_TASKS' })).get_tasks, {
    launched_tasks: [{ task_id: { value: 'talks' }, state: 'TASK_RUNNING' }],
    queued_tasks: [],
  });
  t.match((await call({ type: 'GET_EXECUTORS' })).get_executors?.executors, [
    { executor_info: { executor_id: { value: 'talks' } } },
  ]);
  t.match((await call({ type: 'GET_FRAMEWORKS' })).get_frameworks?.frameworks, [
    { framework_info: { id: { value: cluster.framework.id } } },
  ]);
  t.match(await call({ type: 'GET_STATE' }), {
    get_state: { get_tasks: { launched_tasks: [{ name: 'talks' }] } },
  });
  const stateAsMade = async () => {
    const body = protobufCodec.encode('mesos.v1.agent.Call', { type: 'GET_STATE' });
    const headers = { 'Content-Type': 'application/x-protobuf', Accept: 'application/x-protobuf' };
    const made = protobufCodec.decode(
      'mesos.v1.agent.Response',
      (await ask({ port }, '/api/v1', { body, headers })).body,
    );
    return jsonCodec.encode('mesos.v1.agent.Response', made).toString();
  };
  const bothStates = async (): Promise<[string, string]> => {
    const text = await stateAsMade();
    const kept = jsonCodec.decode(
      'mesos.v1.agent.Response',
      Buffer.from(JSON.stringify(await call({ type: 'GET_STATE' }))),
    );
    // The binary encoding knows no empty list.
    const whole = jsonCodec.encode('mesos.v1.agent.Response', kept).toString();
    // Something happened between the two, e.g. a status was acknowledged.
    if ((await stateAsMade()) !== text) return bothStates();
    return [whole.replace(/"\w+":\[\],?/g, '').replaceAll(',}', '}'), text];
  };
  const [running, runningMade] = await bothStates();
  t.equal(running, runningMade, 'what is kept as text says what is so');
  t.match(await call({ type: 'GET_OPERATIONS' }), { get_operations: {} });
  const [shown] = (await call({ type: 'GET_CONTAINERS' })).get_containers?.containers ?? [];
  t.match(shown, { container_id: { value: container }, executor_id: { value: 'talks' } });
  t.ok((shown?.resource_statistics?.processes ?? 0) >= 1);
  t.ok((shown?.resource_statistics?.mem_total_bytes ?? 0) > 0);
  const metrics = (await call({ type: 'GET_METRICS' })).get_metrics?.metrics ?? [];
  t.equal(metrics.find(({ name }) => name === 'slave/tasks_running')?.value, 1);
  const protobuf = await ask({ port }, '/slave(1)/api/v1', {
    body: protobufCodec.encode('mesos.v1.agent.Call', { type: 'GET_TASKS' }),
    headers: { 'Content-Type': 'application/x-protobuf', Accept: 'application/x-protobuf' },
  });
  t.equal(protobuf.type, 'application/x-protobuf');
  t.match(protobufCodec.decode('mesos.v1.agent.Response', protobuf.body), {
    get_tasks: { launched_tasks: [{ name: 'talks' }] },
  });

  const files =
    (await call({ type: 'LIST_FILES', list_files: { path: latest } })).list_files?.file_infos ?? [];
  t.strictSame(
    files.map((file) => path.basename(file.path)),
    ['file', 'stderr', 'stdout'],
  );
  const read = await call({
    type: 'READ_FILE',
    read_file: { path: `${latest}/stdout`, offset: 1, length: 2 },
  });
  t.equal(Buffer.from(String(read.read_file?.data), 'base64').toString(), 'ut');
  t.equal(read.read_file?.size, 4);
  t.match((await get(`/files/read?path=${sandbox}/stderr&offset=0`)).json(), { data: 'err\n', offset: 0 });
  t.match((await get(`/files/read?path=${sandbox}/stderr&offset=-1`)).json(), { data: '', offset: 4 });
  t.match((await get(`/files/browse?path=${sandbox}`)).json(), [
    { path: `${sandbox}/file`, mode: '-rw-r--r--', size: 5, nlink: 1 },
    {},
    {},
  ]);
  const file = await get(`/files/download?path=${sandbox}/file`);
  t.equal(file.body.toString(), 'kept\n');
  t.match(
    file.headers,
    { 'content-disposition': /^attachment; /, 'x-content-type-options': 'nosniff' },
    'what a task has made is no page of this host',
  );
  t.equal((await get(`/files/read?path=/etc/passwd&offset=0`)).status, 404);
  t.equal((await get(`/files/read?path=${sandbox}/../../../x&offset=0`)).status, 404);
  t.equal((await get('/files/read?path=/frameworks/../executors/a/runs/b&offset=0')).status, 404);
  t.equal((await get('/files/read')).status, 400);
  t.equal((await get(`/berth/v1/logs?sandbox=${sandbox}&since=now`)).status, 400);

  const state = (await get('/state')).json() as {
    frameworks: { executors: { directory: string; tasks: object[] }[] }[];
  };
  t.match(state.frameworks[0]?.executors[0], {
    directory: sandbox,
    tasks: [{ id: 'talks', state: 'TASK_RUNNING' }],
  });
  for (const url of [
    '/health',
    '/version',
    '/flags',
    '/containers',
    '/monitor/statistics',
    '/system/stats.json',
  ])
    t.equal((await get(url)).status, 200, url);
  t.equal(((await get('/metrics/snapshot')).json() as Record<string, number>)['slave/tasks_running'], 1);
  const text = await get('/metrics');
  t.match(text.type, /^application\/openmetrics-text/);
  t.match(text.body.toString(), /\n# TYPE berth_agent_tasks_running gauge\nberth_agent_tasks_running 1\n/);
  t.match(text.body.toString(), /\nberth_agent_tasks_failed_total 0\n(.*\n)*# EOF\n$/);
  t.match((await get('/berth/v1/inspect?depth=process&interval=0.05')).json(), {
    rows: [
      { level: 'task', id: 'talks', parent_id: status.agent_id?.value },
      { level: 'process', parent_id: 'talks' },
    ],
  });
  for (const query of ['interval=1000', 'interval=0', 'interval=x', 'depth=all'])
    t.equal((await get(`/berth/v1/inspect?${query}`)).status, 400, query);
  t.equal(
    (await ask({ port }, '/api/v1', { body: '{"type":"LAUNCH_NESTED_CONTAINER"}', headers: json })).status,
    400,
  );
  for (const [body, why] of [
    ['{}', /^400 Expecting 'type'/],
    ['{"type":"UNKNOWN"}', /^400 Unknown call type/],
  ] as const) {
    const refused = await ask({ port }, '/api/v1', { body, headers: json });
    t.match(`${refused.status} ${refused.body}`, why);
  }

  spawnSync('touch', [path.join(sandbox, 'end')]);
  await cluster.status('talks', 'TASK_FINISHED');
  await until('its end is told', () =>
    events.some((event) => event.type === 'TASK_REMOVED' && event.task_id === 'talks'),
  );
  const [over, overMade] = await bothStates();
  t.equal(over, overMade);
  t.match(over, /"completed_tasks":\[\{.*TASK_FINISHED/, 'and what is so now');
  t.match(events[0], { type: 'SUBSCRIBED', tasks: [] });
  t.ok(events.some(({ type, state }) => type === 'TASK_UPDATED' && state === 'TASK_RUNNING'));
  // The container is gone, and what it wrote is not.
  t.match((await get(`/files/read?path=${sandbox}/stdout&offset=0`)).json(), { data: 'out\nlast\n' });
  const logs = (await get(`/berth/v1/logs?sandbox=${sandbox}&tail=1`)).body.toString().trim().split('\n');
  t.equal(Buffer.from(JSON.parse(logs[0] ?? '').text as string, 'base64').toString(), 'last');
  t.match((await call({ type: 'GET_TASKS' })).get_tasks?.completed_tasks, [{ name: 'talks' }]);
  following.destroy();
  t.equal(jsonCodec.contentType, 'application/json');
});

t.test('a container of nobody in the cluster, and what a task asks for', unlessRoot, async (t) => {
  const { stage, cluster, port, call, get } = await scene(t);
  const tell = (message: object) =>
    ask({ port }, '/api/v1', { body: JSON.stringify(message), headers: json });
  const container_id = { value: 'by-hand.1' };
  const launch = {
    type: 'LAUNCH_CONTAINER',
    launch_container: { container_id, command: { value: 'echo here; cat given; exit 3' } },
  };
  const file = path.join(stage.folder, 'given');
  writeFileSync(file, 'given\n', { mode: 0o644 });
  chmodSync(stage.folder, 0o755);
  Object.assign(launch.launch_container.command, { uris: [{ value: `file://${file}` }] });
  t.equal((await tell(launch)).status, 200);
  t.equal((await tell(launch)).status, 202, 'it is there');
  t.match(await call({ type: 'WAIT_CONTAINER', wait_container: { container_id } }), {
    wait_container: { exit_status: 3 << 8 },
  });
  t.equal((await tell({ type: 'KILL_CONTAINER', kill_container: { container_id } })).status, 409);
  const place = '/frameworks/standalone/executors/by-hand.1/runs/latest';
  t.match((await get(`/files/read?path=${place}/stdout&offset=0`)).json(), { data: 'here\ngiven\n' });
  t.equal((await tell({ type: 'REMOVE_CONTAINER', remove_container: { container_id } })).status, 200);
  t.equal((await tell({ type: 'REMOVE_CONTAINER', remove_container: { container_id } })).status, 404);
  t.match((await get(`/files/read?path=${place}/stdout&offset=0`)).json(), { data: 'here\ngiven\n' });
  const sleeps = { ...launch, launch_container: { container_id, command: { value: 'exec sleep 1000' } } };
  t.equal((await tell(sleeps)).status, 200);
  t.equal((await tell({ type: 'REMOVE_CONTAINER', remove_container: { container_id } })).status, 409);
  const shown = await call({ type: 'GET_CONTAINERS', get_containers: { show_standalone: true } });
  t.equal(shown.get_containers?.containers?.length, 1);
  t.strictSame((await call({ type: 'GET_CONTAINERS' })).get_containers?.containers ?? [], []);
  t.equal((await tell({ type: 'KILL_CONTAINER', kill_container: { container_id } })).status, 200);
  t.match(await call({ type: 'WAIT_CONTAINER', wait_container: { container_id } }), {
    wait_container: { exit_status: 9 },
  });
  t.equal((await tell({ type: 'REMOVE_CONTAINER', remove_container: { container_id } })).status, 200);
  const bad = { ...launch, launch_container: { container_id: { value: '../x' }, command: {} } };
  t.equal((await tell(bad)).status, 400);
  t.equal((await tell({ type: 'PRUNE_IMAGES' })).status, 200);

  const withFile = (uri: string) => ({ value: 'cat given', uris: [{ value: uri }] });
  const done = await cluster.run(task('gets-it', withFile(file)));
  t.equal(done.state, 'TASK_FINISHED');
  const refused = await cluster.run(task('gets-nothing', withFile(`${file}.not`)));
  t.match(refused, {
    state: 'TASK_FAILED',
    reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    message: /Failed to launch container: URI .*given.not: .*No such file/,
  });
});

t.test('only root and who has credentials is heard', unlessRoot, async (t) => {
  const { stage, cluster, port } = await scene(t);
  const socketPath = agentSocket(stage.roots);
  t.equal((await ask({ port }, '/health')).status, 200);
  t.equal((await ask({ socketPath }, '/health')).status, 200);
  t.equal(lstatSync(socketPath).mode & 0o777, 0o600);
  t.equal(lstatSync(path.dirname(socketPath)).mode & 0o777, 0o700);
  t.equal((await ask({ port }, '/health', { headers: { Origin: 'http://evil.example' } })).status, 401);
  t.equal((await ask({ port }, '/health', { headers: { Origin: 'null' } })).status, 401);
  t.equal(
    (await ask({ port }, '/health', { headers: { Host: 'evil.example' } })).status,
    401,
    'DNS rebinding',
  );
  t.equal((await ask({ port }, '/health', { headers: { Authorization: 'Bearer guess' } })).status, 401);
  const script = `const http = require('node:http');
    http.get({ host: '127.0.0.1', port: ${port}, path: '/state' }, (r) => { console.log(r.statusCode); r.resume(); });`;
  const other = spawnSync(process.execPath, ['-e', script], {
    uid: 65_534,
    gid: 65_534,
    encoding: 'utf8',
    cwd: '/',
  });
  t.equal(other.stdout.trim(), '401', 'another user of this host');
  // The modes of socket and folder are one lock, whose process it is another: as if somebody had opened the first.
  chmodSync(socketPath, 0o666);
  chmodSync(path.dirname(socketPath), 0o755);
  // The folders above it stay shut; a descriptor leads past them.
  const folder = openSync(path.dirname(socketPath), 'r');
  const through = `/proc/self/fd/3/${path.basename(socketPath)}`;
  const asked = (user: number) =>
    spawnSync(
      process.execPath,
      ['-e', script.replace(`host: '127.0.0.1', port: ${port}`, `socketPath: '${through}'`)],
      { uid: user, gid: user, encoding: 'utf8', cwd: '/', stdio: ['ignore', 'pipe', 'inherit', folder] },
    ).stdout.trim();
  t.equal(asked(0), '200', 'root, by the socket');
  t.equal(asked(65_534), '401', 'another user, by the socket');
  closeSync(folder);
  chmodSync(path.dirname(socketPath), 0o700);
  // On the host's network, as root of a user namespace of its own.
  const seen = await stage.sh(
    `printf 'GET /state HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n\\r\\n' | nc 127.0.0.1 ${port} | head -1`,
    { network: 'host' },
  );
  t.match(seen, /401/, 'a container on the network of the host');
  // And as root of the host, which a task without an image is.
  const words = script.replace(/\n/g, ' ').replace(/'/g, '"');
  await cluster.launch(task('asks', `id -u > user; ${process.execPath} -e '${words}' > answer`));
  const ended = await cluster.status('asks', 'TASK_FINISHED', 'TASK_FAILED');
  const sandbox = sandboxOf(stage, ended, cluster.framework.id);
  t.equal(readFileSync(path.join(sandbox, 'user'), 'utf8'), '0\n');
  t.equal(readFileSync(path.join(sandbox, 'answer'), 'utf8'), '401\n', 'a task that is root on the host');
});
