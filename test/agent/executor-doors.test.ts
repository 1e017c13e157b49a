// How executors come to an agent that speaks HTTPS and wants credentials: their libraries know of neither.
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import t from 'tap';
import { doorSocket, hostEndpoint } from '../../src/agent/executor/doors.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { post } from '../master-lite/scheduler-client.js';
import { Certificates } from '../registry/certificates.js';
import { projectFolder } from '../source-files.js';
import { executor, StagedCluster } from './staged-cluster.js';

const program = (file: string) => `exec ${process.execPath} ${path.join(projectFolder, 'dist/test', file)}`;

t.test('an agent whose doors cannot be opened ends, whatever it has opened before', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const place = path.join(stage.roots.state, 'agent', 'executors');
  mkdirSync(path.dirname(place), { recursive: true, mode: 0o700 });
  writeFileSync(place, 'no folder');
  const agent = stage.spawn('agent', '--master', 'http://127.0.0.1:1', '--listen', '127.0.0.1:0');
  const ended = new Promise((resolve) => agent.once('exit', resolve));
  t.after(() => agent.kill('SIGKILL'));
  let said = '';
  agent.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until(() => said.includes(place), 'it says why');
  await until(() => agent.exitCode !== null, 'and ends');
  t.equal(await ended, 125);
});

t.test('executors of an agent with a certificate', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { certificate, key } = new Certificates(stage.folder).issue('agent');
  const config = {
    ...{ tlsCert: certificate, tlsKey: key, hostVolumes: [projectFolder], executorReregistration: 30 },
    credentials: { passwords: [{ principal: 'people', secret: 'let-me-in' }], tokens: [] },
  };
  const cluster = await StagedCluster.open(t, stage, config, { checkpoint: true });
  // The checkout may lie where a task without an image has a folder of its own: /tmp, /var/tmp.
  const project = { host_path: projectFolder, container_path: projectFolder, mode: 'RO' as const };
  const container = { type: 'MESOS' as const, volumes: [project] };
  const npm = executor('npm', program('agent/npm-executor.js'), { container });

  await t.test('one of npm’s, in plain HTTP on this host, and across a restart', async (t) => {
    await cluster.launch({ name: 'long', executor: npm });
    await cluster.reaches('long', 'TASK_RUNNING');
    const before = hostEndpoint(cluster.agent);
    t.not(before, cluster.agent.endpoint);
    await cluster.stop();
    await cluster.start();
    t.equal(hostEndpoint(cluster.agent), before, 'it finds the next agent where the last one was');
    await cluster.launch({ name: 'later', executor: npm });
    await cluster.reaches('later', 'TASK_FINISHED');
    await cluster.kill('long');
    await cluster.reaches('long', 'TASK_KILLED');
  });

  await t.test('one without a network, by the local socket', async () => {
    const none = { ...container, network_infos: [{ name: 'none' }] };
    const value = program('e2e/torture/executor.js socket');
    const data = Buffer.from(JSON.stringify({ seconds: 0, status: 0 }));
    await cluster.launch({
      ...{ name: 'apart', data },
      executor: executor('apart', value, { container: none }),
    });
    await cluster.reaches('apart', 'TASK_FINISHED');
  });

  await t.test('nobody else comes in there', async (t) => {
    const { agent, framework } = cluster;
    const token = agent.executors.find(framework.id, 'npm')?.record.token ?? '';
    const url = `http://${hostEndpoint(agent)}`;
    const json = { 'Content-Type': 'application/json' };
    const basic = `Basic ${Buffer.from('people:let-me-in').toString('base64')}`;
    const health = JSON.stringify({ type: 'GET_HEALTH' });
    const ask = async (body: string, headers: Record<string, string>, page = '/api/v1') =>
      (await post(url, page, { body, headers: { ...json, ...headers } })).status;
    t.equal(await ask(health, {}), 401, 'the host’s root');
    t.equal(await ask(health, { Authorization: basic }), 401, 'who has credentials');
    t.equal(await ask(health, { Authorization: `Bearer ${token}` }), 403, 'an executor asks for its own');
    const child = { value: 'x', parent: { value: agent.executors.find(framework.id, 'npm')?.containerId } };
    const wait = JSON.stringify({
      type: 'WAIT_NESTED_CONTAINER',
      wait_nested_container: { container_id: child },
    });
    t.equal(await ask(wait, { Authorization: `Bearer ${token}` }), 404, 'and may');
    t.equal(await ask('{}', {}, '/api/v1/executor'), 401, 'nor speaks anybody for one');
    const local = path.join(agent.doors.folder ?? '', doorSocket);
    const knock = async (headers: Record<string, string>) =>
      (await post(url, '/api/v1', { body: health, headers: { ...json, ...headers }, socketPath: local }))
        .status;
    t.equal(await knock({}), 401, 'nor by the socket');
    t.equal(await knock({ Authorization: basic }), 401);
  });

  await t.test('has no more connections than are good for its agent', async (t) => {
    const token = cluster.agent.executors.find(cluster.framework.id, 'npm')?.record.token ?? '';
    const many = new http.Agent({ keepAlive: true });
    t.teardown(() => many.destroy());
    const ask = (agent: http.Agent | false) =>
      new Promise<number>((resolve, reject) => {
        const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
        const to = `http://${hostEndpoint(cluster.agent)}/api/v1/executor`;
        http
          .request(to, { method: 'POST', agent, headers }, (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          })
          .once('error', reject)
          .end('{}');
      });
    const statuses = await Promise.all(Array.from({ length: 260 }, () => ask(many)));
    // It has some of its own.
    const refused = statuses.filter((status) => status === 429).length;
    t.ok(refused >= 4 && refused < 16, `${refused} are refused`);
    t.equal(statuses.filter((status) => status === 400).length, statuses.length - refused);
    many.destroy();
    await until(async () => (await ask(false)) === 400, 'those that are closed do not count');
  });

  const [executor_id, agent_id] = [{ value: 'npm' }, { value: cluster.agent.id ?? '' }];
  await cluster.framework.call({ type: 'SHUTDOWN', shutdown: { executor_id, agent_id } });
  await until(() => [...cluster.agent.executors.all()].length === 0, 'all are gone');
});
