import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { Stage, unlessRoot } from '../container/stage.js';
import { freePort } from '../fixtures/free-port.js';
import { until } from '../fixtures/until.js';

t.test('an agent answers before its host does anything else', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const agent = await begin(t, stage);
  const threads = readdirSync(`/proc/${agent.pid}/task`).map((id) => niceness(`${agent.pid}/task/${id}`));
  t.equal(niceness(`${agent.pid}/task/${agent.pid}`), -10);
  t.equal(threads.filter((nice) => nice < 0).length, 1, 'the others have time');

  // Started for the second time, it is the agent's.
  const script = 'test -e /ran && exec sleep 1000; touch /ran; false';
  const flags = ['--name', 'again', '--restart', 'on-failure'];
  t.equal(stage.berth('run', '-d', ...flags, stage.image.reference, 'sh', '-c', script).status, 0);
  const look = () => JSON.parse(stage.berth('inspect', 'again').stdout) as Inspected;
  await until(() => look().restart_count > 0 && look().pid !== null);
  const { pid, supervisor_pid } = look();
  t.strictSame([pid, supervisor_pid].map(String).map(niceness), [0, 0], 'nothing of it is inherited');
  t.equal(stage.berth('rm', '-f', 'again').status, 0);
});

const sessionOf = (pid: number | string = 'self') => `/proc/${pid}/autogroup`;
const unlessPlain = existsSync(sessionOf())
  ? unlessRoot
  : { skip: 'this kernel shares processors out among threads, not sessions (CONFIG_SCHED_AUTOGROUP)' };

t.test('one with a session of its own goes before other sessions', unlessPlain, async (t) => {
  const own = await begin(t, await Stage.open(t), 'setsid');
  t.match(readFileSync(sessionOf(own.pid), 'utf8'), / nice -10$/m);
  const before = readFileSync(sessionOf(), 'utf8');
  const shared = await begin(t, await Stage.open(t));
  t.equal(readFileSync(sessionOf(shared.pid), 'utf8'), before, 'which others are in stays as it is');
});

t.test('one that may not write to /proc begins all the same', unlessPlain, async (t) => {
  const readOnly = 'mount --bind /proc /proc && mount -o remount,bind,ro /proc && exec setsid "$@"';
  const agent = await begin(t, await Stage.open(t), 'unshare', '--mount', 'sh', '-c', readOnly, 'sh');
  t.match(readFileSync(sessionOf(agent.pid), 'utf8'), / nice 0$/m);
});

t.test('one that somebody started with a niceness keeps it', unlessRoot, async (t) => {
  const agent = await begin(t, await Stage.open(t), 'nice', '-n', '5');
  t.equal(niceness(`${agent.pid}/task/${agent.pid}`), 5);
});

interface Inspected {
  restart_count: number;
  pid: number | null;
  supervisor_pid: number | null;
}

async function begin(t: Test, stage: Stage, ...before: string[]): Promise<ChildProcess> {
  const flags = ['--master', 'http://127.0.0.1:9', '--listen', `127.0.0.1:${await freePort()}`];
  const [file = '', ...words] = [...before, ...stage.command('agent', flags)];
  const child = spawn(file, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  t.after(async () => {
    child.kill('SIGTERM');
    await gone;
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until(() => /tasks taken up/.test(said));
  return child;
}

/** Field 19 of /proc/PID/stat (proc(5)). */
function niceness(of: string): number {
  const [, after = ''] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${of}/stat`, 'utf8')) ?? [];
  return Number(after.split(' ')[16]);
}
