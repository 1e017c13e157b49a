import { spawn } from 'node:child_process';
import t from 'tap';
import { berthCommand } from '../cli/berth.js';
import { SchedulerClient, task } from './scheduler-client.js';
import { StagedMaster, until } from './staged-master.js';

/** Beside this process, which is the master. */
async function berth(master: string, ...args: string[]) {
  const [file = '', ...rest] = berthCommand;
  const child = spawn(file, [...rest, ...args], {
    env: { ...process.env, BERTH_MASTER: master },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (part: Buffer) => out.push(part));
  child.stderr.on('data', (part: Buffer) => err.push(part));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const stdout = Buffer.concat(out).toString();
  return { status, stdout, stderr: Buffer.concat(err).toString(), json: () => JSON.parse(stdout) as unknown };
}

t.test('a cluster is looked at and told what to do from the command line', async (t) => {
  const staged = await StagedMaster.open(t);
  const [one, two] = [staged.agent(), staged.agent({ hostname: 'other' })];
  await until('both are there', () => one.connected && two.connected);
  const client = new SchedulerClient(staged.url);
  t.after(() => client.close());
  await client.subscribe({ failover_timeout: 3600 });
  await until('both are offered', () => client.offers.size === 2);
  for (const offer of [...client.offers.values()])
    await client.launch(offer, [task(`on-${offer.hostname}`, offer, 1.5)]);
  await until('both run', () => client.statuses.length === 2);
  const run = (...args: string[]) => berth(staged.url, ...args);

  const listed = await run('task', 'ls', '--json');
  t.match(listed.json(), {
    tasks: [
      { id: 'on-host0', node: 'host0', state: 'TASK_RUNNING', cpus: 1.5, memory: 32 * 1024 * 1024 },
      { id: 'on-other', node: 'other' },
    ],
  });
  t.match(
    (await run('task', 'ls')).stdout,
    /^TASK +NAME +NODE +STATE +CPUS +MEM +IMAGE\non-host0 .* host0 +TASK_RUNNING +1.5 +32M/,
  );
  t.match((await run('task', 'inspect', 'on-h')).json(), {
    id: 'on-host0',
    statuses: [{ state: 'TASK_RUNNING' }],
  });
  t.match((await run('node', 'ls', '--json')).json(), {
    nodes: [{ name: 'host0', state: 'active', cpus: 4, cpus_used: 1.5 }, { name: 'other' }],
  });
  t.match((await run('node', 'inspect', 'other')).json(), { name: 'other', tasks: [{ id: 'on-other' }] });
  t.match((await run('framework', 'ls', '--json')).json(), {
    frameworks: [{ id: client.id, state: 'connected', cpus: 3 }],
  });

  t.equal((await run('task', 'kill', '--grace', '3', 'on-host0')).status, 0);
  await until('it is killed', () => client.states('on-host0').includes('TASK_KILLED'));
  t.equal((await run('node', 'drain', '--max-grace-period', '1.5', '--wait', 'other')).stdout, `${two.id}\n`);
  t.ok(client.states('on-other').includes('TASK_KILLED'));
  t.match((await run('node', 'ls')).stdout, /other +127.0.0.1:20001 +drained/);
  t.equal((await run('node', 'reactivate', 'other')).status, 0);
  t.equal((await run('node', 'deactivate', 'host0')).status, 0);
  t.equal(
    (await run('node', 'maintenance', '--from', '2030-01-01T00:00:00Z', '--for', '2h', 'other')).status,
    0,
  );
  t.match((await run('node', 'maintenance', '--json')).json(), {
    windows: [{ name: 'other', start: '2030-01-01T00:00:00.000Z', duration_seconds: 7200 }],
  });
  t.equal((await run('node', 'maintenance', '--begin', 'other')).status, 0);
  t.match((await run('node', 'ls', '--json')).json(), { nodes: [{ name: 'host0', state: 'deactivated' }] });
  t.equal((await run('node', 'maintenance', '--end', 'other')).status, 0);
  const name = 'trial';
  t.match(await run('framework', 'teardown', name), {
    status: 125,
    stderr: `berth: framework ${name}: the master knows none with that id\nOne of that name has the id ${client.id}.\n`,
  });
  t.match((await run('framework', 'teardown', 'nobody')).stderr, /none with that id\nberth framework ls/);
  t.match(
    (await run('framework', 'rm', name)).stderr,
    /no such verb\nDid you mean berth framework teardown\?/,
  );
  t.equal((await run('framework', 'teardown', client.id)).status, 0);
  await until('it is gone', () => client.ended);
  t.match((await run('framework', 'ls', '--all')).stdout, /gone/);

  const wrong = await run('node', 'drain', 'nobody');
  t.match([wrong.status, wrong.stderr], [125, /^berth: node nobody: the master knows none/]);
  const away = await berth('http://127.0.0.1:1', 'node', 'ls');
  t.match(
    [away.status, away.stderr],
    [125, /^berth: master 127.0.0.1:1: nothing listens there\nStart one with berth master/],
  );
  t.match((await berth('::', 'node', 'ls')).stderr, /it is no URL/);
});
