import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { nodeEnvironment, nodeOptions } from '../../src/service/daemon-node.js';
import { project } from '../cli/berth.js';
import { Stage, unlessRoot } from '../container/stage.js';
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

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
