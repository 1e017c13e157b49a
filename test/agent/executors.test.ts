import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { hostEndpoint } from '../../src/agent/executor/doors.js';
import { duration } from '../../src/agent/executor/environment.js';
import { sandboxFolder } from '../../src/agent/sandbox/place.js';
import { logFolder } from '../../src/agent/sandbox/sandbox.js';
import { mostPending } from '../../src/agent/updates/updates.js';
import { layoutOfHost } from '../../src/containerizer/container/cgroup-places.js';
import { readLogFolder } from '../../src/containerizer/container/logs.js';
import { jsonCodec, protobufCodec } from '../../src/mesos/codec.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { post } from '../master-lite/scheduler-client.js';
import { projectFolder } from '../source-files.js';
import { ExecutorClient } from './executor-client.js';
import { executor, StagedCluster } from './staged-cluster.js';

const npmExecutor = `exec ${process.execPath} ${path.join(projectFolder, 'dist/test/agent/npm-executor.js')}`;
const uuid = () => randomBytes(16);

/** An executor of a cluster, by its id. */
function of({ agent, framework }: StagedCluster, id: string) {
  const found = agent.executors.find(framework.id, id);
  if (found === undefined) throw new Error(`there is no executor ${id}`);
  return found;
}

const stateOf = ({ agent, framework }: StagedCluster, id: string) =>
  agent.executors.find(framework.id, id)?.state;

/** What a program has written into its sandbox; empty: nothing yet. */
function written(cluster: StagedCluster, executorId: string, containerId: string, name: string): string {
  const { agent, framework } = cluster;
  if (name === 'stdout') {
    const records = readLogFolder(logFolder(agent.roots, agent.config.sandboxes, containerId), {});
    return [...records].map(({ text, partial }) => `${text.toString()}${partial ? '' : '\n'}`).join('');
  }
  const place = { agentId: agent.id ?? '', frameworkId: framework.id, executorId, containerId };
  const file = path.join(sandboxFolder(agent.config.sandboxes, place), name);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

t.test('durations are as executors of the reference read them', async (t) => {
  t.strictSame([5, 900, 2, 0.5, 90, 7200, 0.000_25].map(duration), [
    '5secs',
    '15mins',
    '2secs',
    '500ms',
    '90secs',
    '2hrs',
    '250us',
  ]);
});

t.test('an unmodified executor of npm', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await StagedCluster.open(t, stage, { hostVolumes: [projectFolder] }, { checkpoint: true });
  // The checkout may lie where a task without an image has a folder of its own: /tmp, /var/tmp.
  const project = { host_path: projectFolder, container_path: projectFolder, mode: 'RO' as const };
  const container = { type: 'MESOS' as const, volumes: [project] };
  const info = executor('npm', npmExecutor, { container });
  await cluster.launch({ name: 'one', executor: info }, { name: 'long', executor: info });
  await cluster.reaches('one', 'TASK_FINISHED');
  await cluster.reaches('long', 'TASK_RUNNING');
  t.strictSame(cluster.states('one'), ['TASK_RUNNING', 'TASK_FINISHED']);
  const { containerId } = of(cluster, 'npm');
  t.match(cluster.status('one', 'TASK_RUNNING'), {
    source: 'SOURCE_EXECUTOR',
    executor_id: { value: 'npm' },
    container_status: { container_id: { value: containerId } },
  });
  await cluster.launch({ name: 'later', executor: info });
  await cluster.reaches('later', 'TASK_FINISHED');
  t.equal(of(cluster, 'npm').containerId, containerId, 'it is used again');

  const data = Buffer.from('hello');
  const [executor_id, agent_id] = [{ value: 'npm' }, { value: cluster.agent.id ?? '' }];
  await cluster.framework.call({ type: 'MESSAGE', message: { agent_id, executor_id, data } });
  const answer = () => cluster.framework.events.find(({ type }) => type === 'MESSAGE')?.message?.data;
  await until(() => answer() !== undefined, 'it answers');
  t.equal(Buffer.from(answer() ?? []).toString(), 'heard hello');

  await cluster.kill('long');
  await cluster.reaches('long', 'TASK_KILLED');
  const said = (): string[] => written(cluster, 'npm', containerId, 'stdout').match(/^@.*$/gm) ?? [];
  // Of one update and the other of a task.
  await until(() => said().filter((line) => line === '@acknowledged later').length === 2, 'acknowledged');
  await cluster.framework.call({ type: 'SHUTDOWN', shutdown: { executor_id, agent_id } });
  await until(() => cluster.framework.saw('FAILURE'), 'the framework hears that it has ended');
  t.match(cluster.framework.events.find(({ type }) => type === 'FAILURE')?.failure, {
    executor_id,
    status: 0,
  });
  t.match(said(), ['@subscribed to tried']);
  t.ok(said().includes('@shut down'));
  t.notOk(
    said().some((line) => line.startsWith('@error') && !line.includes('closed')),
    said().join('\n'),
  );
});

t.test('an executor and who may speak for it', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await StagedCluster.open(t, stage, { executorRegistration: 60 });
  const script = 'env >env.part; mv env.part env; exec sleep 1000';
  await cluster.launch(
    { name: 'a', executor: executor('first', script) },
    { name: 'b', executor: executor('second', script) },
  );
  await until(() => stateOf(cluster, 'first') === 'registering', 'its program runs');
  const ids = { framework: cluster.framework.id, executor: 'first' };
  const { token } = of(cluster, 'first').record;
  const client = new ExecutorClient(cluster.url, ids, token);
  t.teardown(() => client.close());

  await t.test('what it is told by its environment', async (t) => {
    const read = () => written(cluster, 'first', of(cluster, 'first').containerId, 'env');
    await until(() => read().includes('MESOS_AGENT_ENDPOINT'), 'it has written');
    const wanted = {
      MESOS_FRAMEWORK_ID: cluster.framework.id,
      MESOS_EXECUTOR_ID: 'first',
      MESOS_SLAVE_ID: cluster.agent.id,
      MESOS_AGENT_ENDPOINT: hostEndpoint(cluster.agent),
      MESOS_SLAVE_PID: `slave(1)@${hostEndpoint(cluster.agent)}`,
      MESOS_CHECKPOINT: '0',
      MESOS_HTTP_COMMAND_EXECUTOR: '0',
      MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: '5secs',
      MESOS_EXECUTOR_AUTHENTICATION_TOKEN: token,
      MESOS_SANDBOX: '/mnt/mesos/sandbox',
      MESOS_DIRECTORY: '/mnt/mesos/sandbox',
      LIBPROCESS_PORT: '0',
    };
    for (const [name, value] of Object.entries(wanted))
      t.ok(read().split('\n').includes(`${name}=${value}`), name);
    t.notMatch(read(), /MESOS_RECOVERY_TIMEOUT/, 'only where the framework keeps its tasks');
    const text = readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'latin1');
    if (Number(text) >= 1024)
      t.ok((cluster.agent.doors.port ?? 1024) < 1024, 'nobody but root can listen there while it is away');
  });

  await t.test('refusals, in the order of the reference', async (t) => {
    const base = { framework_id: { value: ids.framework }, executor_id: { value: 'first' } };
    const status = { task_id: { value: 'a' }, state: 'TASK_RUNNING', source: 'SOURCE_EXECUTOR' };
    const id = uuid().toString('base64');
    const update = (more: object) => ({
      ...base,
      type: 'UPDATE',
      update: { status: { ...status, ...more } },
    });
    const json = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
    const cases: [what: string, wanted: number, body: unknown, headers?: Record<string, string>][] = [
      ['another token', 401, base, { ...json, Authorization: 'Bearer x' }],
      ['no content type', 400, base, { Authorization: `Bearer ${token}` }],
      ['an unknown content type', 415, base, { ...json, 'Content-Type': 'text/plain' }],
      ['no JSON', 400, '{', json],
      ['no executor', 400, { type: 'SUBSCRIBE', framework_id: base.framework_id }],
      ['no type', 400, base],
      ['an unknown type', 400, { ...base, type: 'NONSENSE' }],
      ['no body', 400, { ...base, type: 'UPDATE' }],
      ['an update without uuid', 400, update({})],
      ['a uuid of another length', 400, update({ uuid: 'aaaa' })],
      ['of another executor', 400, update({ uuid: id, executor_id: { value: 'second' } })],
      ['of another source', 400, update({ uuid: id, source: 'SOURCE_AGENT' })],
      ['staging', 400, update({ uuid: id, state: 'TASK_STAGING' })],
      ['before it has subscribed', 403, update({ uuid: id })],
      ['in the name of another', 403, { ...base, executor_id: { value: 'second' }, type: 'HEARTBEAT' }],
      ['of one that is not there', 403, { ...base, executor_id: { value: 'third' }, type: 'HEARTBEAT' }],
      ['an answer in no codec', 406, { ...base, type: 'SUBSCRIBE' }, { ...json, Accept: 'text/plain' }],
    ];
    for (const [what, wanted, body, headers = json] of cases) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const answer = await post(cluster.url, '/api/v1/executor', { body: text, headers });
      t.equal(answer.status, wanted, `${what}: ${answer.body.toString()}`);
    }
    const { status: got } = await post(cluster.url, '/api/v1/executor', { method: 'GET', headers: json });
    t.equal(got, 405);
  });

  await t.test('both codecs; a later subscription takes the place of the one before', async (t) => {
    t.equal(await client.subscribe(), 200);
    await until(() => client.of('LAUNCH').length === 1, 'the task is handed over');
    t.match(client.events[0], {
      type: 'SUBSCRIBED',
      subscribed: {
        executor_info: { executor_id: { value: 'first' } },
        framework_info: { name: 'tried' },
        agent_info: { id: { value: cluster.agent.id } },
        container_id: { value: of(cluster, 'first').containerId },
      },
    });
    const again = new ExecutorClient(cluster.url, ids, token, jsonCodec);
    t.teardown(() => again.close());
    t.equal(await again.subscribe(), 200);
    await until(() => client.ended, 'the first is cut off');
    t.equal(again.of('LAUNCH').length, 0, 'the task is not handed over twice');
    const first = uuid();
    t.equal(await again.update({ task_id: { value: 'a' }, state: 'TASK_RUNNING' }, first), 202);
    await until(() => again.of('ACKNOWLEDGED').length === 1, 'it is acknowledged');
    t.equal(await again.update({ task_id: { value: 'a' }, state: 'TASK_RUNNING' }, first), 202);
    await until(() => again.of('ACKNOWLEDGED').length === 2, 'also when it is said again');
    await cluster.reaches('a', 'TASK_RUNNING');
    t.equal(cluster.framework.states('a').length, 1, 'but told once');
    t.equal(await again.call({ type: 'HEARTBEAT' }), 202);
    t.equal(await again.update({ task_id: { value: 'b' }, state: 'TASK_FAILED' }, uuid()), 202);
    await until(() => again.of('ACKNOWLEDGED').length === 3, 'of a task of another it is told nothing');
    t.strictSame(cluster.states('b'), []);
    const { framework } = cluster;
    framework.acknowledges = false;
    const answers = new Set<number>();
    for (let i = 0; i < mostPending + 2; i++)
      answers.add(await again.update({ task_id: { value: 'a' }, state: 'TASK_RUNNING' }, uuid()));
    t.strictSame([...answers], [202, 429], 'more than its framework hears are refused');
    framework.acknowledges = true;
    await until(() => framework.states('a').length > 1, 'the first of them is told');
    for (const status of framework.statuses) framework.acknowledge(status);
    const [a] = [...cluster.agent.tasks.values()].filter(({ id }) => id === 'a');
    await until(() => a?.updates.length === 0, 'all are heard');
  });

  await t.test('the kernel says from which container a call comes', async (t) => {
    const call = { type: 'HEARTBEAT', framework_id: { value: ids.framework } };
    // Its user is the host's root, and so is that of the task; busybox's nc is there without a library.
    const ask = async (name: string, wanted: string) => {
      const body = JSON.stringify({ ...call, executor_id: { value: wanted } });
      const [host, port] = cluster.agent.endpoint.split(':');
      const script = `const http = require('http');
        const request = http.request({ host: '${host}', port: ${port}, path: '/api/v1/executor', method: 'POST', headers: { 'Content-Type': 'application/json' } },
          (answer) => { require('fs').writeFileSync('answer', String(answer.statusCode)); process.exit(0); });
        request.end(${JSON.stringify(body)});`;
      const value = `cat >ask.cjs <<'END'\n${script}\nEND\nexec ${process.execPath} ask.cjs`;
      await cluster.launch({ name, command: { value } });
      const status = await cluster.reaches(name, 'TASK_FINISHED');
      return written(
        cluster,
        name,
        cluster.status(name, 'TASK_RUNNING')?.container_status?.container_id?.value ?? String(status),
        'answer',
      );
    };
    t.equal(await ask('spy', 'first'), '403', 'a task on the host’s network is not the executor');
    const open = new ExecutorClient(cluster.url, ids, undefined);
    t.equal(await open.call({ type: 'HEARTBEAT' }), 401, 'and the host’s root has no token');
  });

  const { unified } = layoutOfHost();
  const needsGroups = { skip: unified === null ? 'needs control groups of version 2' : false };
  await t.test(
    'a control group that is only called like a container’s says nothing',
    needsGroups,
    async (t) => {
      // Any user of this host who has groups delegated can make such.
      const top = path.join(unified ?? '', `berth-impostor-${process.pid}`);
      const groups = [top, path.join(top, 'berth-00000000')];
      groups.push(path.join(groups[1] ?? '', of(cluster, 'first').containerId));
      for (const group of groups) mkdirSync(group);
      t.after(() => {
        for (const group of groups.reverse()) rmdirSync(group);
      });
      const call = {
        type: 'HEARTBEAT',
        framework_id: { value: ids.framework },
        executor_id: { value: 'first' },
      };
      const script = `require('fs').writeFileSync(${JSON.stringify(path.join(groups[2] ?? '', 'cgroup.procs'))}, '0');
      fetch('${cluster.url}/api/v1/executor', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: ${JSON.stringify(JSON.stringify(call))} })
        .then(({ status }) => process.stdout.write(String(status)));`;
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', script]);
      t.equal(stdout, '401');
    },
  );

  await t.test('an executor that dies takes its tasks along', async (t) => {
    of(cluster, 'first').container?.signal(9);
    const status = await cluster.reaches('a', 'TASK_FAILED');
    t.match(status, {
      source: 'SOURCE_AGENT',
      reason: 'REASON_EXECUTOR_TERMINATED',
      message: 'Its executor was terminated by signal 9',
    });
    await until(() => cluster.framework.saw('FAILURE'), 'the framework hears of it');
    t.match(cluster.framework.events.find(({ type }) => type === 'FAILURE')?.failure, {
      executor_id: { value: 'first' },
      status: 9,
    });
    await cluster.kill('b');
    t.match(await cluster.reaches('b', 'TASK_KILLED'), { reason: 'REASON_TASK_KILLED_DURING_LAUNCH' });
    await until(() => [...cluster.agent.executors.all()].length === 0, 'nobody needs the second one');
  });
});

t.test('an executor that is never heard of', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await StagedCluster.open(t, stage, { executorRegistration: 0.3 });
  await cluster.launch({ name: 'a', executor: executor('mute', 'exec sleep 1000') });
  t.match(await cluster.reaches('a', 'TASK_FAILED'), { reason: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT' });
  cluster.agent.config.executorRegistration = 60;
  await cluster.launch({ name: 'b', executor: executor('short', 'exit 3') });
  t.match(await cluster.reaches('b', 'TASK_FAILED'), {
    reason: 'REASON_EXECUTOR_TERMINATED',
    message: 'Its executor exited with status 3',
  });
  await cluster.launch({
    name: 'c',
    executor: executor('none', '', { command: { value: '/no/such/program', shell: false } }),
  });
  t.match(await cluster.reaches('c', 'TASK_FAILED'), { reason: 'REASON_CONTAINER_LAUNCH_FAILED' });
});

t.test('an agent that comes back', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await StagedCluster.open(t, stage, { executorReregistration: 30 });
  const info = executor('x', 'exec sleep 1000');
  await cluster.launch({ name: 'heard', executor: info }, { name: 'unheard', executor: info });
  await until(() => stateOf(cluster, 'x') === 'registering', 'its program runs');
  const { token } = of(cluster, 'x').record;
  const ids = { framework: cluster.framework.id, executor: 'x' };
  const before = new ExecutorClient(cluster.url, ids, token);
  await before.subscribe();
  await until(() => before.of('LAUNCH').length === 2, 'both are handed over');
  await before.update({ task_id: { value: 'heard' }, state: 'TASK_RUNNING' }, uuid());
  await cluster.reaches('heard', 'TASK_RUNNING');
  await cluster.stop();
  await until(() => before.ended, 'its stream ends');
  await cluster.start();

  const after = new ExecutorClient(cluster.url, ids, token, protobufCodec);
  t.teardown(() => after.close());
  t.equal(await after.update({ task_id: { value: 'heard' }, state: 'TASK_RUNNING' }, uuid()), 403);
  const kept = uuid();
  const task_id = { value: 'heard' };
  await after.subscribe({
    unacknowledged_tasks: [],
    unacknowledged_updates: [
      { status: { task_id, state: 'TASK_FINISHED', source: 'SOURCE_EXECUTOR', uuid: kept } },
    ],
  });
  await until(() => after.of('ACKNOWLEDGED').length === 1, 'what it has kept is acknowledged');
  await cluster.reaches('heard', 'TASK_FINISHED');
  t.match(await cluster.reaches('unheard', 'TASK_LOST'), { reason: 'REASON_AGENT_RESTARTED' });
  await cluster.launch({ name: 'new', executor: info });
  await until(() => after.of('LAUNCH').length === 1, 'it goes on with it');
  await cluster.stop();

  await t.test('and an executor whose library does not say what it has heard of', async (t) => {
    await cluster.start();
    await cluster.launch({ name: 'since', executor: info });
    await until(() => cluster.agent.tasks.has(`${ids.framework}/since`), 'it waits for the executor');
    const silent = new ExecutorClient(cluster.url, ids, token);
    t.teardown(() => silent.close());
    cluster.agent.config.executorReregistration = 0.01;
    await silent.subscribeSilently();
    t.match(await cluster.reaches('new', 'TASK_LOST'), { reason: 'REASON_AGENT_RESTARTED' });
    await until(() => silent.of('KILL').length === 1, 'it may run it all the same');
    t.match(silent.of('KILL')[0]?.kill, { task_id: { value: 'new' } });
    t.strictSame(
      silent.of('LAUNCH').map(({ launch }) => launch?.task.task_id.value),
      ['since'],
      'what has come meanwhile is handed over',
    );
    await silent.update({ task_id: { value: 'since' }, state: 'TASK_RUNNING' }, uuid());
    await cluster.reaches('since', 'TASK_RUNNING');
    await cluster.stop();
  });

  await t.test('and an executor that was begun for what is dropped', async (t) => {
    cluster.config = { executorReregistration: 30, executorShutdownGrace: 0.1 };
    await cluster.start();
    await cluster.launch({ name: 'first', executor: executor('y', 'exec sleep 1000') });
    await until(() => stateOf(cluster, 'y') === 'registering', 'its program runs');
    const own = { framework: cluster.framework.id, executor: 'y' };
    const { token: its } = of(cluster, 'y').record;
    await cluster.stop();
    await cluster.start();
    const late = new ExecutorClient(cluster.url, own, its);
    t.teardown(() => late.close());
    await late.subscribe();
    await cluster.reaches('first', 'TASK_LOST');
    await until(() => late.of('SHUTDOWN').length === 1, 'it is not left waiting');
    await until(() => stateOf(cluster, 'y') === undefined, 'and is gone');
    await cluster.stop();
  });

  await t.test('and an executor that does not', async (t) => {
    cluster.config = { executorReregistration: 0.2 };
    await cluster.start();
    t.match(await cluster.reaches('since', 'TASK_FAILED'), {
      reason: 'REASON_EXECUTOR_REREGISTRATION_TIMEOUT',
    });
  });
});
