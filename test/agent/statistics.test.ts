import t from 'tap';
import type { TaskWatcher } from '../../src/agent/agent.js';
import { ContainerTexts } from '../../src/agent/api/container-texts.js';
import { oldest, StatisticsBoard, slice } from '../../src/agent/api/statistics-board.js';
import { age, few, gathering, interval, StatisticsUpkeep } from '../../src/agent/api/statistics-upkeep.js';
import type { Task } from '../../src/agent/task/task.js';
import type { InspectedTask } from '../../src/inspect/task-source.js';
import { jsonCodec } from '../../src/mesos/codec.js';
import type {
  AgentResponseGetContainersContainer,
  ResourceStatistics,
  TaskStatus,
} from '../../src/mesos/messages.js';
import { StagedTimers } from './staged-timers.js';

const container = (id: string) => ({ id }) as InspectedTask;
const containers = (count: number) => Array.from({ length: count }, (_, i) => container(String(i)));
const fail = (error: unknown) => t.fail(String(error));

t.test('who asks is answered while counters are read', async (t) => {
  const read: string[][] = [];
  let go: () => void = () => {};
  let held: Promise<void> = Promise.resolve();
  const hold = () => {
    held = new Promise((resolve) => {
      go = resolve;
    });
  };
  let time = Date.now() / 1000;
  const board = new StatisticsBoard(async (tasks) => {
    read.push(tasks.map(({ id }) => id));
    await held;
    return tasks.map((): ResourceStatistics => ({ timestamp: time }));
  });

  hold();
  const asked = board.of(containers(slice), fail);
  go();
  t.notOk((await asked).includes(undefined), 'a few are waited for');

  hold();
  const many = containers(3 * slice);
  const told = await board.of(many, fail);
  t.notOk(told.slice(0, slice).includes(undefined), 'what is known is told');
  t.ok(told.slice(slice).every((each) => each === undefined));
  const again = await board.of(many, fail);
  t.equal(again.length, many.length);
  t.equal(read.length, 2, 'all who ask wait for one reading');
  go();
  await board.refresh(many, age);
  t.notOk((await board.of(many, fail)).includes(undefined));

  const before = read.length;
  await board.refresh(many, age);
  t.equal(read.length, before, 'what is young enough is not read again');

  go();
  time -= 2 * oldest;
  t.strictSame(
    await board.of([container('old')], fail),
    [undefined],
    'nothing is told that is older than it may be',
  );
});

t.test('many containers are read in passing', async (t) => {
  const timers = new StagedTimers();
  const watchers = new Set<TaskWatcher>();
  const tasks = new Map<string, Task>();
  const refreshed: string[] = [];
  let reading: Promise<void> = Promise.resolve();
  const board = {
    async refresh(some: readonly InspectedTask[], seconds: number) {
      t.equal(seconds, age);
      refreshed.push(...some.map(({ id }) => id));
      await reading;
    },
  };
  const running = async (ids: Iterable<string>) => [...ids].map(container);
  const upkeep = new StatisticsUpkeep({ watchers, tasks, defect: fail }, { running }, board, timers);
  const start = (id: string) => {
    const task = { containerId: id, ended: false } as Task;
    tasks.set(id, task);
    for (const { updated } of watchers) updated?.(task, { state: 'TASK_RUNNING' } as TaskStatus);
  };

  for (let i = 0; i < few; i++) start(`few-${i}`);
  await timers.pass(3 * interval);
  t.strictSame(refreshed, [], 'of a few nothing is read before somebody asks');

  start('one-more');
  await timers.pass(gathering);
  t.strictSame(refreshed.splice(0), ['one-more'], 'soon after its start');
  await timers.pass(interval);
  t.strictSame(refreshed.splice(0).sort(), [...tasks.keys()].sort(), 'and all of them again and again');

  let go: () => void = () => {};
  reading = new Promise((resolve) => {
    go = resolve;
  });
  start('first');
  await timers.pass(gathering);
  start('meanwhile');
  await timers.pass(gathering);
  t.strictSame(refreshed.splice(0), ['first']);
  go();
  await timers.pass(2 * gathering);
  t.strictSame(refreshed.splice(0), ['meanwhile'], 'none is forgotten that starts while others are read');

  upkeep.close();
  start('late');
  await timers.pass(3 * interval);
  t.strictSame(refreshed, [], 'nothing once it is closed');
});

t.test('what is told of a container is the same in words kept and words made', async (t) => {
  const texts = new ContainerTexts();
  const entry = (cpus: number): AgentResponseGetContainersContainer => ({
    container_id: { value: 'ä' },
    framework_id: { value: 'f' },
    executor_id: { value: 'e' },
    container_status: { executor_pid: 7 },
    resource_statistics: { timestamp: 1, cpus_user_time_secs: cpus },
  });
  const unknown: AgentResponseGetContainersContainer = { container_id: { value: 'alone' } };
  const answer = (entries: AgentResponseGetContainersContainer[]) =>
    jsonCodec.encode('mesos.v1.agent.Response', {
      type: 'GET_CONTAINERS',
      get_containers: { containers: entries },
    });
  const one = entry(1);
  for (const entries of [[], [one], [one, unknown], [entry(2), one]]) {
    t.equal(texts.answer(entries).join(''), String(answer(entries)));
    const page = JSON.parse(texts.page(entries).join('')) as { container_id: string; statistics: object }[];
    t.strictSame(
      page.map(({ container_id, statistics }) => [container_id, statistics]),
      entries.map((each) => [each.container_id.value, each.resource_statistics ?? {}]),
    );
  }
});
