import { readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { mostKept } from '../../src/agent/checks/kept-output.js';
import { nextHealth } from '../../src/agent/keeper/container-health.js';
import { Keeper } from '../../src/agent/keeper/keeper.js';
import { isStartedAgain, pauseAfter } from '../../src/agent/keeper/restart-decision.js';
import { verb as inspect } from '../../src/cli/verbs/inspect.js';
import { readContainer } from '../../src/containerizer/container/catalogue.js';
import type { HealthFinding } from '../../src/containerizer/keeping/health-record.js';
import { FileLock } from '../../src/state/lock.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';

interface Inspected {
  id: string;
  state: string;
  pid: number | null;
  supervisor_pid: number | null;
  restart_count?: number;
  restart?: object;
  health?: { status: string; failing_streak: number; log: HealthFinding[] } | null;
}

async function scene(t: Test) {
  const stage = await Stage.open(t);
  const keep = async () => {
    const keeper = await Keeper.start(stage.roots, {
      note: () => {},
      defect: (error) => t.fail(String(error)),
    });
    if (keeper === undefined) throw new Error('another looks after them');
    t.after(() => keeper.close());
    return keeper;
  };
  const reference = stage.image.reference;
  const run = (name: string, flags: string[], script: string) =>
    stage.berth('run', '-d', '--name', name, ...flags, reference, 'sh', '-c', script);
  // In this process: one of its own for each look would hold up the keeper, which is in this one.
  const look = (name: string): Inspected => {
    let text = '';
    const out = (part: string) => {
      text += part;
    };
    void inspect.run({ roots: stage.roots, argv: [name], json: true, out, note: out }, [name], {});
    return JSON.parse(text) as Inspected;
  };
  return { stage, keep, run, look };
}

t.test('a policy decides', async (t) => {
  const ended = { status: 0, restarts: 0, stopped: false, away: false };
  const decide = (name: Parameters<typeof isStartedAgain>[0]['name'], how: Partial<typeof ended>, most = 0) =>
    isStartedAgain({ name, maximum_retries: most }, { ...ended, ...how });
  t.equal(decide('always', {}), true);
  t.equal(decide('always', { stopped: true }), false);
  t.equal(decide('always', { stopped: true, away: true }), true, 'as after a restart of the host');
  t.equal(decide('unless-stopped', {}), true);
  t.equal(decide('unless-stopped', { stopped: true, away: true }), false);
  t.equal(decide('on-failure', {}), false);
  t.equal(decide('on-failure', { status: 1 }), true);
  t.equal(decide('on-failure', { status: 1, stopped: true }), false);
  t.equal(decide('on-failure', { status: 1, restarts: 2 }, 3), true);
  t.equal(decide('on-failure', { status: 1, restarts: 3 }, 3), false);
  t.equal(decide('no', { status: 1, away: true }), false);
  t.strictSame([0, 1, 2, 20, 2000].map(pauseAfter), [100, 200, 400, 60_000, 60_000]);
});

t.test('findings make health', async (t) => {
  const at = '2026-01-01T00:00:00Z';
  const told = { started_at: at, at, output: '' };
  const [good, bad] = [0, 1].map((exit_code) => ({ ...told, exit_code, message: null }));
  if (good === undefined || bad === undefined) return;
  const late = { ...told, exit_code: null, message: 'it took longer than 1 seconds' };
  let known: Parameters<typeof nextHealth>[0] = { status: 'starting', failing_streak: 0, log: [] };
  const find = (finding: typeof late | typeof good, early = false) => {
    known = nextHealth(known, { retries: 2 }, finding, early);
    return [known.status, known.failing_streak];
  };
  t.strictSame(find(bad, true), ['starting', 0], 'too early to count');
  t.strictSame(find(bad), ['starting', 1]);
  t.strictSame(find(late), ['unhealthy', 2]);
  t.strictSame(find(good), ['healthy', 0]);
  t.strictSame(find(bad, true), ['healthy', 1], 'not early any more after a success');
  t.strictSame(find(good), ['healthy', 0]);
  t.equal(known.log.length, 5);
});

t.test('what an agent would have to see to is refused without one', unlessRoot, async (t) => {
  const { keep, run, stage } = await scene(t);
  for (const flags of [
    ['--restart', 'always'],
    ['--health-cmd', 'true'],
  ]) {
    const { status, stderr } = run('wants-it', flags, 'true');
    t.equal(status, 125);
    t.match(stderr, new RegExp(`^berth: ${flags[0]}: no agent runs on this root`));
  }
  (await keep()).close();
  t.equal(run('wants-it', ['--restart', 'always'], 'true').status, 125, 'nor after one');
  const keeper = await keep();
  const defect = (error: unknown) => t.fail(String(error));
  t.equal(await Keeper.start(stage.roots, { note: () => {}, defect }), undefined, 'one for each root');
  keeper.close();
  // Whoever asks at the very moment in which an agent comes.
  const asking = FileLock.attempt(path.join(stage.roots.state, 'agent', 'keeper.lock'), 'shared');
  setTimeout(() => asking?.release(), 50);
  const patient = await keep();
  for (const [flags, why] of [
    [['--restart', 'always', '--rm'], /--rm leaves nothing/],
    [['--restart', 'always:3'], /It is no, on-failure/],
    [['--restart', 'sometimes'], /It is no, on-failure/],
    [['--health-interval', '1s'], /there is no command to run/],
    [['--health-cmd', 'true', '--health-interval', '5'], /It is a span of time/],
  ] as const) {
    const { status, stderr } = run('wants-it', [...flags], 'true');
    t.equal(status, 125, stderr);
    t.match(stderr, why);
  }
  patient.close();
});

t.test('containers are started again', unlessRoot, async (t) => {
  const { stage, keep, run, look } = await scene(t);
  const first = await keep();
  t.equal(run('fails', ['--restart', 'on-failure:2'], 'echo once >> /tries; exit 3').status, 0);
  t.equal(run('ends', ['--restart', 'on-failure'], 'true').status, 0);
  t.equal(run('stays', ['--restart', 'always'], 'echo once >> /tries; exec sleep 1000').status, 0);
  t.equal(run('obeys', ['--restart', 'unless-stopped'], 'exec sleep 1000').status, 0);
  await until(() => look('fails').restart_count === 2 && look('fails').state === 'exited', 'two more tries');
  const tries = (name: string) => stage.berth('cp', `${name}:/tries`, '-').stdout.match(/once/g)?.length;
  t.equal(tries('fails'), 3);
  t.equal(look('ends').restart_count, 0);

  await until(() => tries('stays') === 1, 'its program runs');
  const { supervisor_pid } = look('stays');
  process.kill(supervisor_pid ?? 0, 'SIGKILL');
  await until(() => look('stays').restart_count === 1 && look('stays').state === 'running');
  await until(() => tries('stays') === 2, 'what it wrote is there, and it runs');
  t.equal(stage.berth('stop', '-t', '0', 'stays').status, 0);
  t.equal(stage.berth('kill', 'obeys').status, 0);
  await until(() => look('obeys').state === 'exited');
  // Whoever would start them has had the time for another that ended later.
  t.equal(run('later', ['--restart', 'on-failure:1'], 'exit 1').status, 0);
  await until(() => look('later').restart_count === 1 && look('later').state === 'exited');
  t.strictSame(
    [look('stays').state, look('obeys').state],
    ['exited', 'exited'],
    'not what was ended on purpose',
  );

  first.close();
  await keep();
  await until(() => look('stays').state === 'running', 'always is also after the agent comes back');
  t.equal(look('obeys').state, 'exited');
  t.equal(stage.berth('start', 'obeys').status, 0);
  process.kill(look('obeys').pid ?? 0, 'SIGKILL');
  await until(() => look('obeys').restart_count === 1 && look('obeys').state === 'running', 'wanted again');

  t.equal(stage.berth('update', '--restart', 'no', 'obeys').status, 0);
  process.kill(look('obeys').pid ?? 0, 'SIGKILL');
  await until(() => look('obeys').state === 'exited');
  t.equal(look('obeys').restart, undefined);
  t.equal(stage.berth('update', '--restart', 'on-failure:1', 'ends').status, 0);
  t.match(look('ends').restart, { name: 'on-failure', maximum_retries: 1 });
  for (const name of ['fails', 'ends', 'stays', 'obeys', 'later'])
    t.equal(stage.berth('rm', '-f', name).status, 0, name);
});

t.test('one that ends at once can be removed while it is started again and again', unlessRoot, async (t) => {
  const { stage, keep, run, look } = await scene(t);
  await keep();
  t.equal(run('loops', ['--restart', 'always'], 'true').status, 0);
  await until(() => (look('loops').restart_count ?? 0) > 1);
  const { id } = look('loops');
  await until(() => stage.berth('rm', '-f', 'loops').status === 0, 'it may just be being started');
  t.equal(readContainer(stage.roots, id), undefined);
});

t.test('health is asked after, and told', unlessRoot, async (t) => {
  const { stage, keep, run, look } = await scene(t);
  const first = await keep();
  const open = sockets();
  const command = 'echo asked; test -e /well || { echo not yet >&2; false; }';
  const flags = ['--health-cmd', command, '--health-interval', '100ms', '--health-retries', '2'];
  t.equal(run('web', flags, 'exec sleep 1000').status, 0);
  await until(() => look('web').health?.status === 'unhealthy');
  const [finding] = look('web').health?.log ?? [];
  t.match(finding, { exit_code: 1, message: null, output: 'asked\nnot yet\n' });
  t.ok(finding !== undefined && finding.started_at <= finding.at);
  t.equal(stage.berth('exec', 'web', 'touch', '/well').status, 0);
  await until(() => look('web').health?.status === 'healthy');
  t.equal(look('web').health?.failing_streak, 0);
  first.close();
  await keep();
  t.match(
    look('web').health,
    { status: 'healthy', log: { 0: { output: /^asked/ } } },
    'the next agent knows it',
  );
  const lines = `i=0; while [ $i -lt 2000 ]; do echo ${'0123456789'.repeat(20)}; i=$((i+1)); done; exit 3`;
  // Once: what removes it below holds this process up, which then reads nothing.
  const loud = `test -e /said && exec sleep 1000; echo >/said; ${lines}`;
  t.equal(run('loud', ['--health-cmd', loud, '--health-interval', '100ms'], 'exec sleep 1000').status, 0);
  await until(() => look('loud').health?.log[0] !== undefined);
  const [much] = look('loud').health?.log ?? [];
  t.match(much, { exit_code: 3, message: null }, 'more than is kept is read all the same');
  t.equal(much?.output.length, mostKept);
  const slow = [
    '--health-cmd',
    'echo begun; sleep 1000',
    '--health-interval',
    '100ms',
    '--health-timeout',
    '200ms',
  ];
  t.equal(run('slow', slow, 'exec sleep 1000').status, 0);
  await until(() => look('slow').health?.status === 'unhealthy');
  t.match(look('slow').health?.log[0], {
    exit_code: null,
    message: 'it took longer than 0.2 seconds',
    output: /^(begun\n)?$/,
  });
  const told = stage.berth('events', '--since', '10m', '--until', '0s', '--filter', 'event=health_status');
  t.match(told.stdout, /health_status.*web.*unhealthy[\s\S]*health_status.*web.*healthy/);
  t.equal(stage.berth('rm', '-f', 'web', 'slow', 'loud').status, 0);
  await until(() => sockets() <= open, 'nothing stays open of what was read');
});

/** That this process holds. */
const sockets = () =>
  readdirSync('/proc/self/fd').filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
