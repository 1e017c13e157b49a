import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { sandboxFolder } from '../../src/agent/sandbox/place.js';
import { containerIds } from '../../src/containerizer/container/catalogue.js';
import type { ExecutorInfo, TaskInfo } from '../../src/mesos/messages.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { ExecutorClient } from './executor-client.js';
import { executor, StagedCluster, small } from './staged-cluster.js';

type Member = Partial<TaskInfo> & { name: string };

/** Accepts an offer for a group. */
function launchGroup(cluster: StagedCluster, info: ExecutorInfo, ...tasks: Member[]): Promise<void> {
  return cluster.accept(({ agent_id }) => ({
    type: 'LAUNCH_GROUP',
    launch_group: {
      executor: info,
      task_group: {
        tasks: tasks.map((task) => ({
          task_id: { value: task.name },
          agent_id,
          resources: small,
          ...task,
        })),
      },
    },
  }));
}

const pod = (id: string, more: Partial<ExecutorInfo> = {}): ExecutorInfo => ({
  executor_id: { value: id },
  type: 'DEFAULT',
  resources: small,
  ...more,
});

const namespaceOf = (pid: number, kind: string) => readlinkSync(`/proc/${pid}/ns/${kind}`);

t.test('groups of tasks', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await StagedCluster.open(t, stage, {}, { capabilities: [{ type: 'TASK_KILLING_STATE' }] });
  const docker = { type: 'DOCKER' as const, docker: { name: stage.image.reference } };
  const image = { type: 'MESOS' as const, mesos: { image: docker } };
  const idle = { command: { value: 'exec sleep 1000' } };
  const quiet = () => until(() => [...cluster.agent.groups.executors()].length === 0, 'no executor is left');
  const pidOf = (name: string) => cluster.status(name, 'TASK_RUNNING')?.container_status?.executor_pid ?? 0;

  await t.test('share a network and what they ask for, and each has its own limits', async (t) => {
    const own = pod('one', { container: { type: 'MESOS', network_infos: [{ name: 'none' }] } });
    const serve = 'mkdir /w; echo here >/w/index.html; exec httpd -f -p 127.0.0.1:8080 -h /w';
    await launchGroup(
      cluster,
      own,
      { name: 'server', command: { value: serve }, container: image },
      {
        name: 'close',
        ...idle,
        container: { ...image, linux_info: { share_pid_namespace: true, ipc_mode: 'SHARE_PARENT' } },
        health_check: {
          type: 'TCP',
          tcp: { port: 8080 },
          delay_seconds: 0,
          interval_seconds: 0.1,
          grace_period_seconds: 30,
        },
      },
      { name: 'apart', ...idle, container: image },
    );
    for (const name of ['server', 'close', 'apart']) await cluster.reaches(name, 'TASK_RUNNING');
    t.strictSame(cluster.states('apart'), ['TASK_STARTING', 'TASK_RUNNING']);
    const [server, close, apart] = ['server', 'close', 'apart'].map(pidOf) as [number, number, number];
    t.equal(namespaceOf(server, 'net'), namespaceOf(apart, 'net'));
    t.not(namespaceOf(server, 'net'), namespaceOf(process.pid, 'net'));
    t.not(namespaceOf(server, 'pid'), namespaceOf(apart, 'pid'));
    t.not(namespaceOf(server, 'ipc'), namespaceOf(close, 'ipc'));
    const parents = ['server', 'close', 'apart'].map(
      (name) => cluster.status(name, 'TASK_RUNNING')?.container_status?.container_id?.parent?.value,
    );
    t.equal(new Set(parents).size, 1, 'all in one executor');
    t.ok(containerIds(stage.roots).includes(parents[0] ?? ''));
    await until(
      () =>
        cluster.framework.statuses.some((each) => each.task_id.value === 'close' && each.healthy === true),
      'it is asked by the network that it shares',
    );
    const memory = readFileSync(`/proc/${apart}/cgroup`, 'utf8');
    t.not(memory, readFileSync(`/proc/${server}/cgroup`, 'utf8'));

    await launchGroup(cluster, own, {
      name: 'second',
      command: { value: 'echo here; exec sleep 1000' },
      container: image,
    });
    await cluster.reaches('second', 'TASK_RUNNING');
    t.equal(
      cluster.status('second', 'TASK_RUNNING')?.container_status?.container_id?.parent?.value,
      parents[0],
      'another group in the same executor',
    );
    const runs = `/frameworks/${cluster.framework.id}/executors/one/runs/latest/tasks`;
    const read = async (file: string) => {
      const answer = await fetch(`${cluster.url}/files/read?offset=0&path=${runs}/${file}`);
      return answer.status === 200 ? ((await answer.json()) as { data: string }).data : String(answer.status);
    };
    await until(
      async () => (await read('second/stdout')) === 'here\n',
      'what a task writes is below its executor',
    );
    t.equal(await read('server/stdout'), '', 'each its own');
    t.equal(await read('nobody/stdout'), '404');
    await cluster.kill('server');
    for (const name of ['server', 'close', 'apart']) await cluster.reaches(name, 'TASK_KILLED');
    t.ok(cluster.states('apart').includes('TASK_KILLING'));
    t.strictSame(cluster.states('second'), ['TASK_STARTING', 'TASK_RUNNING'], 'the other group goes on');
    await cluster.kill('second');
    await cluster.reaches('second', 'TASK_KILLED');
    await quiet();
    await until(() => cluster.framework.saw('FAILURE'), 'the framework hears that the executor has ended');
    await until(() => containerIds(stage.roots).length === 0, 'nothing of it is left');
  });

  await t.test('end together, unless one is done', async (t) => {
    const share = (path: string) => ({
      container: {
        ...image,
        volumes: [
          {
            mode: 'RW' as const,
            container_path: 'shared',
            source: { type: 'SANDBOX_PATH' as const, sandbox_path: { type: 'PARENT' as const, path } },
          },
        ],
      },
    });
    const wait = 'while [ ! -e shared/said ]; do sleep 0.05; done; ';
    await launchGroup(
      cluster,
      pod('two'),
      { name: 'done', command: { value: 'echo yes >shared/said' }, ...share('common') },
      { name: 'fails', command: { value: `${wait} exit 4` }, ...share('common') },
      { name: 'goes', ...idle },
    );
    await cluster.reaches('done', 'TASK_FINISHED');
    await cluster.reaches('fails', 'TASK_FAILED');
    t.match(await cluster.reaches('goes', 'TASK_KILLED'), {
      message: /Task fails of its group has ended as TASK_FAILED/,
    });
    await quiet();
  });

  await t.test('are launched whole or not at all', async (t) => {
    const missing = { type: 'DOCKER' as const, docker: { name: 'oci:/no/such/image' } };
    await launchGroup(
      cluster,
      pod('three'),
      { name: 'good', ...idle, container: image },
      { name: 'bad', ...idle, container: { type: 'MESOS', mesos: { image: missing } } },
    );
    for (const name of ['good', 'bad']) {
      t.match(await cluster.reaches(name, 'TASK_FAILED'), { reason: 'REASON_CONTAINER_LAUNCH_FAILED' });
      t.notOk(cluster.states(name).includes('TASK_RUNNING'));
    }
    await launchGroup(
      cluster,
      pod('four'),
      { name: 'fits', ...idle },
      { name: 'upward', ...idle, container: { type: 'DOCKER', docker: { image: 'x' } } },
    );
    t.match(await cluster.reaches('fits', 'TASK_ERROR'), {
      reason: 'REASON_TASK_GROUP_INVALID',
      source: 'SOURCE_MASTER',
    });
    await cluster.reaches('upward', 'TASK_ERROR');
    await quiet();
  });

  await t.test('outlive the agent', async (t) => {
    await launchGroup(
      cluster,
      pod('five'),
      { name: 'left', ...idle },
      { name: 'right', ...idle },
      { name: 'falls', ...idle },
    );
    for (const name of ['left', 'right', 'falls']) await cluster.reaches(name, 'TASK_RUNNING');
    const [pid, falls] = [pidOf('left'), pidOf('falls')];
    await cluster.stop();
    await cluster.start();
    process.kill(pid, 0);
    t.equal([...cluster.agent.groups.executors()].length, 1);
    process.kill(falls, 'SIGKILL');
    await cluster.reaches('falls', 'TASK_FAILED');
    for (const name of ['left', 'right']) await cluster.reaches(name, 'TASK_KILLED');
    await quiet();
  });

  await t.test('checks are told, and end what they must', async (t) => {
    const soon = { delay_seconds: 0, interval_seconds: 0.05, grace_period_seconds: 0 };
    const health_check = { type: 'COMMAND' as const, command: { value: 'test -e well' }, ...soon };
    const check = { type: 'COMMAND' as const, command: { command: { value: 'exit 9' } }, ...soon };
    const value = 'touch well; while [ ! -e enough ]; do sleep 0.05; done; rm well; exec sleep 1000';
    await cluster.launch({ name: 'checked', command: { value }, health_check, check });
    const told = () => cluster.framework.statuses.filter(({ task_id }) => task_id.value === 'checked');
    await until(() => told().some(({ healthy }) => healthy === true), 'it is healthy');
    await until(() => told().at(-1)?.check_status?.command?.exit_code === 9, 'its check is told');
    t.match(
      told().find(({ healthy }) => healthy === true),
      { state: 'TASK_RUNNING', reason: 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED' },
    );
    t.match(
      told().find(({ check_status }) => check_status?.command?.exit_code === 9),
      { state: 'TASK_RUNNING', reason: 'REASON_TASK_CHECK_STATUS_UPDATED' },
    );
    t.strictSame(told().find(({ state }) => state === 'TASK_RUNNING')?.check_status, {
      type: 'COMMAND',
      command: {},
    });
    const [task] = [...cluster.agent.tasks.values()].filter(({ id }) => id === 'checked');
    if (task === undefined) throw new Error('it is there');
    writeFileSync(
      path.join(sandboxFolder(cluster.agent.config.sandboxes, cluster.agent.placeOf(task)), 'enough'),
      '',
    );
    t.match(await cluster.reaches('checked', 'TASK_KILLED'), {
      healthy: false,
      message: /Killed by its health check/,
      check_status: { command: { exit_code: 9 } },
    });
    t.equal(told().filter(({ healthy }) => healthy === false).length >= 3, true, 'every failure is told');
  });

  await t.test('a task that is killed was told with the check of a container that ended', async (t) => {
    const soon = { delay_seconds: 0, interval_seconds: 0.05, grace_period_seconds: 0 };
    const seen = { value: 'test -e killed && exit 3; exit 9' };
    const check = { type: 'COMMAND' as const, command: { command: seen }, ...soon };
    const value = 'trap "touch killed; sleep 0.5; exit" TERM; while :; do sleep 0.05; done';
    await cluster.launch({ name: 'dying', command: { value }, check });
    const told = () => cluster.framework.statuses.filter(({ task_id }) => task_id.value === 'dying');
    await until(() => told().at(-1)?.check_status?.command?.exit_code === 9, 'its check is told');
    await cluster.kill('dying');
    t.match(await cluster.reaches('dying', 'TASK_KILLED'), { check_status: { command: { exit_code: 9 } } });
  });

  await t.test('of a custom executor are handed over whole', async (t) => {
    await launchGroup(
      cluster,
      executor('custom', 'exec sleep 1000'),
      { name: 'm', ...idle },
      { name: 'n', ...idle },
    );
    const found = () => cluster.agent.executors.find(cluster.framework.id, 'custom');
    await until(() => found()?.state === 'registering', 'its program runs');
    const ids = { framework: cluster.framework.id, executor: 'custom' };
    const client = new ExecutorClient(cluster.url, ids, found()?.record.token);
    t.teardown(() => client.close());
    await client.subscribe();
    await until(() => client.events.length > 1, 'it hears of the group');
    const tasks = client.events[1]?.launch_group?.task_group.tasks ?? [];
    t.strictSame(
      tasks.map(({ task_id, executor }) => [task_id.value, executor]),
      [
        ['m', undefined],
        ['n', undefined],
      ],
    );
    found()?.container?.signal(9);
    await cluster.reaches('m', 'TASK_FAILED');
    await cluster.reaches('n', 'TASK_FAILED');
  });
});
