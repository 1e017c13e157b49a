import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { nodeEnvironment, nodeOptions } from '../../src/service/daemon-node.js';
import { project } from '../cli/berth.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { freePort } from '../fixtures/free-port.js';
import { until } from '../fixtures/until.js';

t.test('daemons have a Node that takes less memory', async (t) => {
  const folder = t.testdir({ node: '#!/bin/sh\necho "$MALLOC_ARENA_MAX $*"\n' });
  chmodSync(path.join(folder, 'node'), 0o755);
  const front = path.join(project, 'build/Release/berth-front');
  const wanted = `${nodeEnvironment['MALLOC_ARENA_MAX']} ${nodeOptions.join(' ')} -- `;
  for (const [word, beginning] of Object.entries({ agent: wanted, master: wanted, ps: ' -- ' }))
    t.ok(
      spawnSync(front, [word], { env: { PATH: folder } })
        .stdout.toString()
        .startsWith(beginning),
      word,
    );
});

t.test('a cluster of one host', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const [port, agentPort] = [await freePort(), await freePort()];
  const flags = ['--listen', `127.0.0.1:${port}`, '--agent-listen', `127.0.0.1:${agentPort}`];
  const [file = '', ...words] = stage.command('up', flags);
  const up = spawn(file, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => void up.kill('SIGKILL'));
  let said = '';
  up.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const nodes = () =>
    stage.berth('node ls', '--master', `http://127.0.0.1:${port}`, '--json').stdout.match(/"active"/g)
      ?.length;
  await until(() => /registered as/.test(said), 'the agent is there');
  t.equal(nodes(), 1);
  const children = () =>
    readFileSync(`/proc/${up.pid}/task/${up.pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
  const before = children();
  t.equal(before.length, 2);
  for (const pid of before) process.kill(pid, 'SIGKILL');
  await until(() => said.split('is started again').length === 3, 'both are started again');
  await until(() => /back at/.test(said) && children().length === 2, 'the agent is back');
  const after = children();
  t.equal(
    before.some((pid) => after.includes(pid)),
    false,
  );
  const ended = new Promise((resolve) => up.once('exit', resolve));
  up.kill('SIGINT');
  t.equal(await ended, 0);
  for (const pid of after) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

t.test('a daemon that cannot begin is not tried for ever, however slow it is', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const slow = path.join(stage.folder, 'slow.cjs');
  // Longer than who is started again at once has lived.
  const wait = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2100)';
  writeFileSync(slow, `if (['master', 'agent'].includes(process.argv[2])) ${wait};`);
  mkdirSync(stage.roots.root, { recursive: true });
  writeFileSync(path.join(stage.roots.root, 'master'), 'no folder');
  const [port, agentPort] = [await freePort(), await freePort()];
  const flags = ['--listen', `127.0.0.1:${port}`, '--agent-listen', `127.0.0.1:${agentPort}`];
  const [file = '', ...words] = stage.command('up', flags);
  const up = spawn(file, words, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: `--require ${slow}` },
  });
  t.after(() => void up.kill('SIGKILL'));
  let said = '';
  up.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  t.equal(await new Promise((resolve) => up.once('close', resolve)), 125);
  t.match(said, /^berth: master: .*\/master is no folder$/m);
  t.notMatch(said, /is started again/);
});

t.test('an address that is taken, or is none, is told with who has it', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const holder = createServer().listen(0, '127.0.0.1');
  t.teardown(() => holder.close());
  await once(holder, 'listening');
  const taken = `127.0.0.1:${(holder.address() as AddressInfo).port}`;
  const free = `127.0.0.1:${await freePort()}`;
  const mend = 'Choose another: --listen, or for the agent of berth up --agent-listen.\n';
  const comm = readFileSync('/proc/self/comm', 'utf8').trim();
  const theirs = `berth: address ${taken}: process ${process.pid} (${comm}) has it\n${mend}`;
  const up = async (...flags: string[]) => {
    const [file = '', ...words] = stage.command('up', flags);
    // With somebody at its standard input, which it would end with.
    const child = spawn(file, words, { stdio: ['pipe', 'ignore', 'pipe'] });
    t.teardown(() => void child.kill('SIGKILL'));
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const [status] = await once(child, 'close');
    return { status, said };
  };
  t.strictSame(await up('--listen', taken, '--agent-listen', free), { status: 125, said: theirs });
  const agent = await up('--listen', free, '--agent-listen', taken);
  t.equal(agent.status, 125);
  t.match(agent.said, new RegExp(`^master at .*\n${theirs.replace(/[().]/g, '\\$&')}$`));
  const attributes = await up('--listen', free, '--agent-listen', free, '--attributes', 'rack');
  t.match(attributes.said, /^berth: attributes rack: it is not NAME:VALUE\nWrite rack:a;zone:b\.$/m);
});

t.test('its daemons go with it, however it ends', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const [port, agentPort] = [await freePort(), await freePort()];
  const flags = ['--listen', `127.0.0.1:${port}`, '--agent-listen', `127.0.0.1:${agentPort}`];
  const [file = '', ...words] = stage.command('up', flags);
  const up = spawn(file, words, { stdio: 'ignore' });
  const children = () =>
    readFileSync(`/proc/${up.pid}/task/${up.pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
  await until(() => children().length === 2);
  const pids = children();
  up.kill('SIGKILL');
  const lives = (pid: number) => {
    try {
      // Whoever adopts it may be slow to bury it.
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };
  await until(() => !pids.some(lives), 'both have ended');
  t.pass();
});
