// Three hosts, a master and a framework, and what happens to hosts: whatever the framework was told last of a task is true, and of no
// task it was told two ends.
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { isTerminal } from '../../src/agent/task/states.js';
import type { TaskState } from '../../src/mesos/messages.js';
import { unlessRoot } from '../container/stage.js';
import { projectFolder } from '../source-files.js';
import { Hosts } from './hosts.js';

interface Told {
  task?: string;
  state?: TaskState;
  reason?: string;
  message?: string;
  asked?: number;
  subscribed?: string;
}

const perAgent = 3;
const environment = 'BERTH_ROOT=/var/tmp/berth BERTH_STATE=/run/berth';
const berth = `${environment} ${path.join(projectFolder, 'bin/berth')}`;

t.test('a cluster of three hosts', unlessRoot, async (t) => {
  const folder = `/var/tmp/berth-test-hosts-${process.pid}`;
  const hosts = new Hosts(folder);
  t.teardown(() => {
    if (existsSync(folder)) hosts.cluster('down');
    rmSync(folder, { recursive: true, force: true });
  });
  hosts.cluster('up', '3');

  const startMaster = () =>
    hosts.start(1, 'master', `env ${berth} master --listen 0.0.0.0:5050 --config /var/tmp/master.json`);
  const startAgent = (host: number) =>
    hosts.start(
      host,
      'agent',
      `env ${berth} agent --master http://agents:secret@10.77.0.1:5050 --listen 10.77.0.${host}:5051 --config /var/tmp/agent.json`,
    );
  const credentials = JSON.stringify({
    plain_http: true,
    credentials: [{ principal: 'agents', secret: 'secret' }],
  });
  for (const host of [1, 2, 3])
    hosts.run(
      host,
      `umask 077; for i in master agent; do echo '${credentials}' >/var/tmp/$i.json; done; mkdir -p /var/tmp/berth; sync`,
    );
  let master = startMaster();
  const agents = new Map([1, 2, 3].map((host) => [host, startAgent(host)]));
  const keeper = hosts.start(
    1,
    'keeper',
    `${process.execPath} ${path.join(projectFolder, 'dist/test/vm/keeper.js')} http://127.0.0.1:5050 ${perAgent} /var/tmp/told`,
  );

  const told = (): Told[] =>
    hosts
      .run(1, 'cat /var/tmp/told 2>/dev/null || :')
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as Told);
  const states = (task: string) =>
    told().flatMap((line) => (line.task === task ? [line.state ?? ('TASK_STAGING' as const)] : []));
  const taskOf = (host: number, index: number) => `task-${860_000 + host * 100 + index}`;
  const tasksOf = (host: number) => Array.from({ length: perAgent }, (_, index) => taskOf(host, index));
  const tasks = [1, 2, 3].flatMap(tasksOf);
  const comes = (all: string[], state: string) =>
    hosts.until(`${all.join(', ')} ${state}`, () => all.every((task) => states(task).at(-1) === state));
  /** The pids of a task's own process, in the guest where it belongs. */
  const processes = (task: string): string[] => {
    const seconds = task.slice('task-'.length);
    const host = Math.floor((Number(seconds) - 860_000) / 100);
    return hosts.run(host, `pgrep -x -f 'sleep ${seconds}' || :`).split('\n').filter(Boolean);
  };
  /** Asks the master after all tasks, and holds the answers against what runs. */
  const allIsTrue = async (t: Test, why: string) => {
    const before = told().length;
    hosts.run(1, `kill -USR1 ${keeper}`);
    const open = tasks.filter((task) => !isTerminal(states(task).at(-1) ?? 'TASK_STAGING'));
    await hosts.until('answers about all tasks', () => {
      const since = told().slice(before);
      return open.every((task) => since.some((line) => line.task === task));
    });
    const lines = told();
    for (const task of tasks) {
      const seen = lines.flatMap((line) =>
        line.task === task ? [line.state ?? ('TASK_STAGING' as const)] : [],
      );
      const runs = processes(task).length;
      const state = seen.at(-1) ?? 'TASK_STAGING';
      t.equal(runs, state === 'TASK_RUNNING' ? 1 : 0, `${why}: ${task} is ${state}`);
      const ends = new Set(seen.filter((each) => isTerminal(each)));
      t.ok(ends.size <= 1, `${why}: ${task} has one end`);
      if (ends.size === 1) t.ok(isTerminal(state), `${why}: nothing after the end of ${task}: ${seen}`);
    }
  };

  await comes(tasks, 'TASK_RUNNING');
  const first = new Map(tasks.map((task) => [task, processes(task)]));
  const untouched = (t: Test, all: string[]) => {
    for (const task of all) t.strictSame(processes(task), first.get(task), `${task} is the process it was`);
  };
  await allIsTrue(t, 'at first');

  for (const [apart, together, host] of [
    ['cut', 'heal', 2],
    ['freeze', 'thaw', 3],
  ] as const) {
    t.test(`a host that is ${apart}`, async (t) => {
      hosts.cluster(apart, String(host));
      await comes(tasksOf(host), 'TASK_UNREACHABLE');
      hosts.cluster(together, String(host));
      await comes(tasksOf(host), 'TASK_RUNNING');
      untouched(t, tasks);
      await allIsTrue(t, apart);
    });
  }

  t.test('a task that ends while its host is cut off', async (t) => {
    const task = taskOf(2, 2);
    // Of what happens there nobody can be told meanwhile.
    hosts.run(2, `(sleep 30; kill -9 ${first.get(task)?.[0]}) >/dev/null 2>&1 &`);
    hosts.cluster('cut', '2');
    await comes([task], 'TASK_UNREACHABLE');
    await hosts.until('its end', () => processes(task).length === 0);
    hosts.cluster('heal', '2');
    await comes([task], 'TASK_FAILED');
    await comes([taskOf(2, 0), taskOf(2, 1)], 'TASK_RUNNING');
    await allIsTrue(t, 'ended while cut off');
  });

  t.test('an agent that is killed while a task ends', async (t) => {
    hosts.run(2, `kill -9 ${agents.get(2)}`);
    hosts.run(2, `kill -9 ${first.get(taskOf(2, 0))?.[0]}`);
    agents.set(2, startAgent(2));
    await comes([taskOf(2, 0)], 'TASK_FAILED');
    untouched(t, [...tasksOf(1), taskOf(2, 1), ...tasksOf(3)]);
    await allIsTrue(t, 'agent killed');
  });

  t.test('a master that is killed while a task ends', async (t) => {
    hosts.run(1, `kill -9 ${master}`);
    hosts.run(3, `kill -9 ${first.get(taskOf(3, 0))?.[0]}`);
    master = startMaster();
    await comes([taskOf(3, 0)], 'TASK_FAILED');
    untouched(t, [...tasksOf(1), taskOf(2, 1), taskOf(3, 1)]);
    await allIsTrue(t, 'master killed');
  });

  t.test('a host whose power is cut', async (t) => {
    hosts.cluster('kill', '3');
    await comes([taskOf(3, 1)], 'TASK_UNREACHABLE');
    hosts.cluster('boot', '3');
    agents.set(3, startAgent(3));
    await hosts.until('an end of its tasks', () =>
      tasksOf(3).every((task) => isTerminal(states(task).at(-1) ?? 'TASK_STAGING')),
    );
    untouched(t, [...tasksOf(1), taskOf(2, 1)]);
    await allIsTrue(t, 'power cut');
  });
});
