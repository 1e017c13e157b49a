import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { Turns } from '../../src/agent/task/turns.js';
import type { Offer, OfferOperation, TaskInfo, TaskStatus } from '../../src/mesos/messages.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { SchedulerClient } from '../master-lite/scheduler-client.js';
import { Cluster, sandboxOf, task, withPorts } from './staged-agent.js';

t.test('launches take turns: never more than a few at once, in order, whatever becomes of one', async (t) => {
  const turns = new Turns(2);
  const began: number[] = [];
  const ends: (() => void)[] = [];
  const never = new AbortController().signal;
  const left = new AbortController();
  const take = (index: number) =>
    turns.take(never, async () => {
      began.push(index);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (index === 1) throw new Error('it fails');
      return index;
    });
  const all = [0, 1, 2].map(take);
  const leaving = turns.take(left.signal, () => Promise.reject(new Error('it was begun')));
  all.push(...[3, 4].map(take));
  left.abort();
  t.equal(await leaving, undefined, 'who leaves does not wait for the others');
  const settled = Promise.allSettled(all);
  for (let ended = 0; ended < all.length; ended++) {
    await new Promise(setImmediate);
    t.strictSame(began.length, Math.min(all.length, ended + 2));
    ends[ended]?.();
  }
  t.strictSame(
    (await settled).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
  t.strictSame(began, [0, 1, 2, 3, 4]);
  t.equal(await turns.take(never, () => Promise.resolve('free')), 'free');
  t.equal(await turns.take(left.signal, () => Promise.resolve('free')), undefined);
});

t.test('commands of a framework', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const cluster = await Cluster.open(t, stage, {
    info: { capabilities: [{ type: 'TASK_KILLING_STATE' }, { type: 'PARTITION_AWARE' }] },
  });
  const fileOf = (status: TaskStatus, name: string) =>
    readFileSync(path.join(sandboxOf(stage, status, cluster.framework.id), name), 'utf8');
  const docker = (more: object = {}) => ({
    type: 'DOCKER' as const,
    docker: { image: stage.image.reference, ...more },
  });

  await t.test('a shell on the host’s own files', async (t) => {
    const status = await cluster.run(
      task(
        'plain',
        [
          'id -u > id; pwd > where; hostname > name; env > variables; cat /proc/1/comm > first',
          'echo $(cat /proc/self/uid_map) > map; grep NoNewPrivs /proc/self/status > privileges',
          `ls ${stage.roots.root} > state 2>&1; touch /usr/x 2> refused; touch /tmp/x /var/tmp/x && echo yes > scratch`,
          'ls -d /proc/[0-9]* | wc -l > processes',
        ].join('; '),
        { resources: withPorts(31_005, 31_006) },
      ),
    );
    t.match(status, {
      state: 'TASK_FINISHED',
      source: 'SOURCE_EXECUTOR',
      message: 'Command exited with status 0',
      executor_id: { value: 'plain' },
    });
    t.strictSame(cluster.states('plain'), ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
    const running = cluster.framework.statuses.find(({ state }) => state === 'TASK_RUNNING');
    t.type(running?.container_status?.executor_pid, 'number');
    const read = (name: string) => fileOf(running as TaskStatus, name).trim();
    t.equal(read('id'), '0');
    t.equal(read('where'), '/mnt/mesos/sandbox');
    t.equal(read('map').replace(/\s+/g, ' '), '0 0 4294967295', 'the ids are the host’s');
    t.match(read('privileges'), /NoNewPrivs:\s+1/);
    t.notMatch(read('state'), /agent|containers/, 'what is berth’s is not to be seen');
    t.match(read('refused'), /Read-only file system/);
    t.equal(read('scratch'), 'yes');
    t.ok(Number(read('processes')) < 8, 'the host’s processes are not to be seen');
    const variables = new Map(
      read('variables')
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    for (const [name, value] of Object.entries({
      MESOS_TASK_ID: 'plain',
      MESOS_FRAMEWORK_ID: cluster.framework.id,
      MESOS_SANDBOX: '/mnt/mesos/sandbox',
      PORT0: '31005',
      PORT1: '31006',
      PORTS: '31005,31006',
    }))
      t.equal(variables.get(name), value, name);
  });

  await t.test('how a command ends is told', async (t) => {
    const failed = await cluster.run(task('status-3', 'exit 3'));
    t.match(failed, {
      state: 'TASK_FAILED',
      reason: 'REASON_COMMAND_EXECUTOR_FAILED',
      message: 'Command exited with status 3',
    });
    const argv = { value: '/bin/echo', arguments: ['echo', 'a b'], shell: false };
    t.equal((await cluster.run(task('argv', argv))).state, 'TASK_FINISHED');
    t.match(await cluster.run(task('missing', { value: '/no/such', shell: false })), {
      state: 'TASK_FAILED',
      source: 'SOURCE_AGENT',
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
      message: /\/no\/such/,
    });
    const noImage = {
      type: 'MESOS' as const,
      mesos: { image: { type: 'DOCKER' as const, docker: { name: 'oci:/none' } } },
    };
    t.match(await cluster.run(task('no-image', 'true', { container: noImage })), {
      state: 'TASK_FAILED',
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    });
    t.match(await cluster.run(task('who', { value: 'true', user: 'nobody-of-that-name' })), {
      state: 'TASK_FAILED',
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
      message: /nobody-of-that-name/,
    });
    const eater = 'exec dd if=/dev/zero of=/dev/null bs=160M count=1';
    const memory: Partial<TaskInfo> = { limits: { mem: { value: 80 } }, container: docker() };
    const oom = await cluster.run(task('oom', eater, memory));
    t.match(oom, {
      state: 'TASK_FAILED',
      source: 'SOURCE_AGENT',
      reason: 'REASON_CONTAINER_LIMITATION_MEMORY',
      limitation: { resources: [{ name: 'mem' }] },
    });
  });

  await t.test('killing takes as long as was agreed', async (t) => {
    await cluster.launch(
      task('polite', 'trap "echo bye > bye; exit 7" TERM; echo > ready; while :; do sleep 0.05; done', {
        kill_policy: { grace_period: { nanoseconds: 60e9 } },
      }),
      task('stubborn', 'trap "" TERM; echo > ready; while :; do sleep 0.05; done', {
        kill_policy: { grace_period: { nanoseconds: 0.2e9 } },
      }),
      task('plainly', 'sleep 1000'),
      task('timed', 'sleep 1000', { max_completion_time: { nanoseconds: 0.3e9 } }),
    );
    const polite = await cluster.status('polite', 'TASK_RUNNING');
    const stubborn = await cluster.status('stubborn', 'TASK_RUNNING');
    for (const status of [polite, stubborn])
      await until(() => {
        try {
          return fileOf(status, 'ready') !== '';
        } catch {
          return false;
        }
      });
    await cluster.status('plainly', 'TASK_RUNNING');
    for (const id of ['polite', 'stubborn', 'plainly']) t.equal(await cluster.kill(id), 202);
    t.match(await cluster.status('polite', 'TASK_KILLED', 'TASK_FAILED'), { state: 'TASK_KILLED' });
    t.equal(fileOf(polite, 'bye'), 'bye\n');
    t.equal((await cluster.status('stubborn', 'TASK_KILLED', 'TASK_FAILED')).state, 'TASK_KILLED');
    t.equal((await cluster.status('plainly', 'TASK_KILLED', 'TASK_FAILED')).state, 'TASK_KILLED');
    t.strictSame(cluster.states('plainly'), ['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
    t.match(await cluster.status('timed', 'TASK_FAILED', 'TASK_FINISHED'), {
      state: 'TASK_FAILED',
      reason: 'REASON_MAX_COMPLETION_TIME_REACHED',
    });
  });

  await t.test('images, volumes, users and limits', async (t) => {
    const shown = path.join(stage.folder, 'shown');
    mkdirSync(shown);
    writeFileSync(path.join(shown, 'of-the-host'), 'hello');
    const status = await cluster.run(
      task(
        'image',
        [
          'cat /proc/self/uid_map > map; id -u > id; echo kept > volume/kept; cat /seen/of-the-host > seen',
          'touch /seen/x 2> refused; ulimit -n > files; touch /root-is-writable && echo yes > root',
        ].join('; '),
        {
          container: {
            type: 'MESOS',
            mesos: { image: { type: 'DOCKER', docker: { name: stage.image.reference } } },
            volumes: [
              { container_path: '/seen', host_path: shown, mode: 'RO' },
              {
                container_path: 'volume',
                mode: 'RW',
                source: { type: 'SANDBOX_PATH', sandbox_path: { type: 'SELF', path: 'own' } },
              },
            ],
            rlimit_info: { rlimits: [{ type: 'RLMT_NOFILE', soft: 99, hard: 99 }] },
          },
        },
      ),
    );
    t.equal(status.state, 'TASK_FINISHED', status.message ?? '');
    const read = (name: string) => fileOf(status, name).trim();
    t.not(read('map').split(/\s+/)[1], '0', 'its ids are its own');
    t.equal(read('id'), '0');
    t.equal(read('own/kept'), 'kept', 'a folder of the sandbox is at the place that the volume names');
    t.equal(read('seen'), 'hello');
    t.match(read('refused'), /Read-only/);
    t.equal(read('files'), '99');
    t.equal(read('root'), 'yes');
    t.match(await cluster.run(task('force', 'true', { container: docker({ force_pull_image: true }) })), {
      state: 'TASK_FINISHED',
    });
    const entry = docker({ image: (await stage.makeImage([], { Entrypoint: ['sh', '-c'] })).reference });
    t.match(await cluster.run(task('entry', { shell: false, value: 'exit 4' }, { container: entry })), {
      message: 'Command exited with status 4',
    });
    for (const [why, container] of Object.entries({
      'is not supported': docker({ parameters: [{ key: 'nonsense', value: '1' }] }),
      'not among the task': docker({
        network: 'BRIDGE',
        port_mappings: [{ host_port: 31_900, container_port: 80 }],
      }),
      'outside the sandbox': {
        ...docker(),
        volumes: [{ container_path: '/x', host_path: '../..', mode: 'RW' as const }],
      },
    }))
      t.match(await cluster.run(task(`refused-${why.length}`, 'true', { container })), {
        state: 'TASK_FAILED',
        reason: 'REASON_CONTAINER_LAUNCH_FAILED',
        message: new RegExp(why),
      });
  });

  await t.test('a persistent volume outlasts its tasks', async (t) => {
    const role = [{ type: 'DYNAMIC' as const, role: 'keeper' }];
    const disk = { name: 'disk', type: 'SCALAR' as const, scalar: { value: 16 }, reservations: role };
    const volume = {
      ...disk,
      disk: { persistence: { id: 'data' }, volume: { container_path: 'data', mode: 'RW' as const } },
    };
    const keeper = new SchedulerClient(cluster.master.url);
    t.after(() => keeper.close());
    await keeper.subscribe({
      roles: ['keeper'],
      capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }],
    });
    await cluster.framework.call({ type: 'SUPPRESS' });
    // One that was on its way may come later.
    const giveBack = async () => {
      const offer_ids = [...cluster.framework.offers.values()].map(({ id }) => id);
      cluster.framework.offers.clear();
      if (offer_ids.length > 0) await cluster.framework.call({ type: 'DECLINE', decline: { offer_ids } });
    };
    const offerWith = async (persistence: boolean) => {
      const find = () =>
        [...keeper.offers.values()].find(
          ({ resources }) => !persistence || resources?.some((each) => each.disk?.persistence !== undefined),
        );
      await until(async () => {
        await giveBack();
        return find() !== undefined;
      }, 'an offer with what is needed');
      return find() as Offer;
    };
    const run = async (id: string, command: string, operations: OfferOperation[] = []) => {
      const offer = await offerWith(operations.length === 0);
      keeper.offers.delete(offer.id.value);
      const info = task(id, command, { resources: [...withPorts(31_010), volume] })(offer);
      const launch: OfferOperation = { type: 'LAUNCH', launch: { task_infos: [info] } };
      await keeper.call({
        type: 'ACCEPT',
        accept: {
          offer_ids: [offer.id],
          operations: [...operations, launch],
          filters: { refuse_seconds: 0 },
        },
      });
      await until(() =>
        keeper.statuses.some((each) => each.task_id.value === id && /FINI|FAIL|ERR/.test(each.state)),
      );
      return keeper.statuses.findLast((each) => each.task_id.value === id);
    };
    const made = await run('writes', 'echo kept > data/file', [
      { type: 'RESERVE', reserve: { resources: [disk] } },
      { type: 'CREATE', create: { volumes: [volume] } },
    ]);
    t.equal(made?.state, 'TASK_FINISHED', made?.message ?? '');
    const read = await run('reads', '[ "$(cat data/file)" = kept ]');
    t.equal(read?.state, 'TASK_FINISHED', read?.message ?? '');
    const folder = path.join(stage.roots.root, 'agent/volumes/roles/keeper/data');
    t.ok(existsSync(folder));
    const offer = await offerWith(true);
    await keeper.call({
      type: 'ACCEPT',
      accept: { offer_ids: [offer.id], operations: [{ type: 'DESTROY', destroy: { volumes: [volume] } }] },
    });
    await until(() => !existsSync(folder));
  });
});
