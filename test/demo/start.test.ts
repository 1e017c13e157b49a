import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { removeRootCgroups } from '../../bench/root-cgroups.js';
import { nextCommands } from '../../images/demo/story.js';
import { bareNode, berthCommand, project } from '../cli/berth.js';

const folder = mkdtempSync(path.join(tmpdir(), 'berth-demo-'));
const environment = {
  ...process.env,
  BERTH_ROOT: path.join(folder, 'root'),
  BERTH_STATE: path.join(folder, 'state'),
};
t.teardown(() => {
  removeRootCgroups({ root: environment.BERTH_ROOT, state: environment.BERTH_STATE });
  rmSync(folder, { recursive: true, force: true });
});

const [program = '', ...words] = [...bareNode, `${project}dist/images/demo.js`];
const root = process.geteuid?.() === 0 ? false : 'needs root';
const options = { env: environment, cwd: project, encoding: 'utf8', timeout: 60_000 } as const;
const berth = (...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(berthCommand[0] ?? '', [...berthCommand.slice(1), ...args], options);

t.test('npm start, from nothing to nothing', { skip: root }, async (t) => {
  const { status, stdout, stderr } = spawnSync(program, words, options);
  t.equal(status, 0, stderr);
  t.match(stdout, /\[1\/10\].*\n.*build\/images\/node/);
  t.match(stdout, /"pid":1,.*"uid":1000/, 'its web server was asked');
  t.match(stdout, /^ +compute +\d/m, 'the busy threads are named');
  t.match(stdout, /^ +read-zeros +\d/m);
  t.match(stdout, /GET \/ 200/, 'its log was read');
  t.match(stdout, /\[8\/10\].*\n +No process/);
  t.equal(berth('ps', '--all', '--quiet').stdout, '', 'no container is left');

  for (const command of nextCommands) {
    t.ok(stdout.includes(`    ${command}\n`), command);
    t.match(
      spawnSync('env', ['-u', 'NODE_OPTIONS', 'sh', '-c', command], options),
      { status: 0 },
      `${command} works`,
    );
  }
});

t.test('a name that is taken is left alone; Ctrl-C clears up', { skip: root }, async (t) => {
  const [held = ''] = berth(
    'run',
    '--detach',
    '--name',
    'demo-web',
    'demo/node',
    '-e',
    'setInterval(() => {}, 1e6)',
  ).stdout.split('\n');
  t.match(held, /^[0-9a-f]{12}$/);
  t.teardown(() => berth('rm', '--force', held));

  for (const step of ['[3/10]', '[5/10]']) {
    const child = spawn(program, words, {
      env: environment,
      cwd: project,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [output, complaint] = ['', ''];
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const reached = output.includes(step);
      output += text;
      // Once: a program that is ending already has no handler any more.
      if (!reached && output.includes(step)) child.kill('SIGINT');
    });
    const status = await new Promise((resolve) => child.once('close', resolve));
    t.equal(status, 130, `${step} ${complaint}`);
    t.equal(complaint, '\ndemo: interrupted\n');
    t.match(output, /--name demo-web-2 /);
    t.strictSame(berth('ps', '--all', '--quiet').stdout.trim().split('\n'), [held], 'only the other is left');
  }
});

t.test('a failure is one line and a status', { skip: root }, async (t) => {
  const damaged = path.join(folder, 'damaged');
  mkdirSync(damaged);
  writeFileSync(path.join(damaged, 'images'), 'no folder');
  const broken = { ...options, env: { ...environment, BERTH_ROOT: damaged } };
  const { status, stderr } = spawnSync(program, words, broken);
  t.equal(status, 1);
  t.match(stderr.trim().split('\n'), [/^demo: step 2, .*status 125/], stderr);
});

t.test('without root it says so at once', { skip: root }, async (t) => {
  const asNobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--'];
  const { status, stdout, stderr } = spawnSync('setpriv', [...asNobody, `${project}dev`, 'start'], options);
  t.equal(status, 1);
  t.equal(stdout, '');
  t.match(stderr, /run sudo npm start\n$/);
  t.equal(stderr.split('\n').length, 2, 'one line');
});
