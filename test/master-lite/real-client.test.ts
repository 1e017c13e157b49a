import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { jsonCodec, protobufCodec } from '../../src/mesos/codec.js';
import { berthCommand } from '../cli/berth.js';
import { freePort } from '../fixtures/free-port.js';
import { EmulatedAgent } from './emulated-agent.js';
import { NpmClient } from './npm-client.js';
import { StagedMaster, until } from './staged-master.js';

t.test('an unmodified client has one task run to its end', async (t) => {
  const staged = await StagedMaster.open(t);
  staged.agent({ lifetime: () => 20 });
  const client = new NpmClient(t, staged.port, 1);
  await until('the task is finished', () => client.count('TASK_FINISHED') === 1);
  t.strictSame([...client.states.values()], [['TASK_RUNNING', 'TASK_FINISHED']]);
  await until('the agent has nothing to say any more', () => staged.agents[0]?.tasks.size === 0);
  t.strictSame(client.errors, []);
});

for (const instances of [10, 100])
  t.test(`${instances} tasks of its, in containers of Docker's form`, async (t) => {
    const staged = await StagedMaster.open(t);
    // It launches every other pending task with each offer: with several agents there are offers enough.
    for (let i = 0; i < 8; i++)
      staged.agent({ cpus: 16, lifetime: () => 30, codec: i % 2 === 0 ? jsonCodec : protobufCodec });
    await until('the agents are there', () => staged.agents.every((agent) => agent.connected));
    const client = new NpmClient(t, staged.port, instances, { image: 'debian:bookworm' });
    await until('all are finished', () => client.count('TASK_FINISHED') === instances, 60);
    t.equal(client.states.size, instances, 'none was started twice');
    for (const states of client.states.values())
      t.strictSame([...new Set(states)], ['TASK_RUNNING', 'TASK_FINISHED']);
    await until('all is acknowledged', () => staged.agents.every((agent) => agent.tasks.size === 0));
    t.strictSame(client.errors, []);
  });

t.test('it goes on with a master that was killed, and with itself torn down it stays away', async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'berth-master-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const port = await freePort();
  const [file = '', ...rest] = berthCommand;
  let master: ChildProcess | undefined;
  const start = async () => {
    const child = spawn(file, [...rest, 'master', '--listen', `127.0.0.1:${port}`, '--root', root], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    master = child;
    await new Promise((resolve) => child.stderr.once('data', resolve));
  };
  t.after(() => {
    master?.kill('SIGKILL');
  });
  await start();
  const agents = [0, 1, 2, 3].map((i) =>
    new EmulatedAgent({
      master: `http://127.0.0.1:${port}`,
      hostname: `h${i}`,
      port: 5051 + i,
      retry: 0.5,
    }).connect(),
  );
  t.after(() => {
    for (const agent of agents) agent.stop();
  });
  await until('the agents are there', () => agents.every((agent) => agent.connected));
  const client = new NpmClient(t, port, 4);
  await until('all run', () => client.count('TASK_RUNNING') === 4, 60);
  master?.kill('SIGKILL');
  const running = agents.flatMap((agent) => [...agent.tasks.keys()].map((key) => [agent, key] as const));
  const [first, ...others] = running;
  // Ends while there is nobody to tell.
  first?.[0].end(first[1], 'TASK_FINISHED');
  await start();
  await until(
    'all come back',
    () => client.subscriptions > 1 && agents.every((agent) => agent.connected),
    60,
  );
  for (const [agent, key] of others) agent.end(key, 'TASK_FINISHED');
  await until('all are finished', () => client.count('TASK_FINISHED') === 4, 60);
  for (const states of client.states.values())
    t.strictSame(
      [...new Set(states)],
      ['TASK_RUNNING', 'TASK_FINISHED'],
      'and nothing else was said of them',
    );
  client.child.stdin?.write('teardown\n');
  await until(
    'it hears that it was removed',
    () => client.errors.length > 0 || client.exit !== undefined,
    60,
  );
  t.equal(client.id !== '', true);
});
