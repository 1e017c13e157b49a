import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { InspectionDocument } from '../../src/inspect/row.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { until } from '../master-lite/staged-master.js';
import { berth } from './berth-process.js';
import { Cluster, sandboxOf, task } from './staged-agent.js';

t.test(
  'tasks of a cluster are looked at from the command line, down to their threads',
  unlessRoot,
  async (t) => {
    const stage = await Stage.open(t);
    const cluster = await Cluster.open(t, stage, { flags: ['--hostname', 'near'] });
    // Nobody answers where it says that it is.
    const away = cluster.master.agent({ hostname: 'far' });
    await until('both are there', () => away.connected);
    const run = (...args: string[]) => berth({ BERTH_MASTER: cluster.master.url }, ...args);
    const command =
      'echo first; echo second; echo oops >&2; mkdir d; echo data > d/f; while [ ! -e end ]; do sleep 0.05; done; echo last';
    // Not on the one that only seems to be.
    await until('the near one is offered', () =>
      [...cluster.framework.offers.values()].some(({ hostname }) => hostname === 'near'),
    );
    for (const [id, { hostname }] of [...cluster.framework.offers])
      if (hostname === 'far') cluster.framework.offers.delete(id);
    await cluster.launch(task('web-1', command));
    const status = await cluster.status('web-1', 'TASK_RUNNING');
    const sandbox = sandboxOf(stage, status, cluster.framework.id);
    await until('it has written', () => existsSync(path.join(sandbox, 'd/f')));

    const logs = await run('task', 'logs', 'web-1');
    t.strictSame([logs.stdout, logs.stderr, logs.status], ['first\nsecond\n', 'oops\n', 0]);
    t.equal((await run('task', 'logs', '--tail', '1', '--since', '1h', 'web')).stderr, 'oops\n');
    t.match(
      (await run('task', 'logs', '--json', 'web-1')).stdout.split('\n')[0],
      /"stream":"stdout","text":"first"/,
    );
    const following = run('task', 'logs', '-f', '--tail', '0', 'web-1');

    const listed = await run('task', 'files', 'ls', 'web-1');
    t.match(
      listed.stdout,
      /^MODE .* NAME\ndrwxr-xr-x .* d\n-rw-r--r-- .* 5 .* stderr\n-rw-r--r-- .* 13 .* stdout\n$/,
    );
    t.match((await run('task', 'files', 'ls', 'web-1', 'd', '--json')).json(), {
      files: [{ name: 'f', size: 5, mode: '-rw-r--r--' }],
    });
    t.equal(
      (await run('task', 'files', 'read', 'web-1', 'stdout', '--offset', '6', '--length', '3')).stdout,
      'sec',
    );
    const file = path.join(stage.folder, 'got');
    t.equal((await run('task', 'files', 'download', 'web-1', 'd/f', '-o', file)).status, 0);
    t.equal(readFileSync(file, 'utf8'), 'data\n');
    const missing = await run('task', 'files', 'read', 'web-1', '../../x');
    t.match([missing.status, missing.stderr], [125, /^berth: agent .*: No such file/]);

    const whole = (await run('ps', '--cluster', '--interval', '0.1', '--json')).json() as InspectionDocument;
    t.match(
      whole.rows.map(({ level, id, state }) => [level, id, state]),
      [
        ['cluster', 'cluster', 'up'],
        ['node', away.id, 'unreachable'],
        ['node', status.agent_id?.value, 'active'],
        ['task', 'web-1', 'running'],
      ],
    );
    const [top, far, near, web] = whole.rows;
    t.strictSame(Object.keys(top ?? {}), Object.keys(web ?? {}), 'the same members at every level');
    t.match(
      [near?.threads, near?.parent_id, web?.parent_id, web?.node],
      [web?.threads, 'cluster', near?.id, 'near'],
    );
    t.strictSame(
      [far?.threads, far?.cpu_percent, top?.threads],
      [null, null, near?.threads],
      'not known is null',
    );
    const shown = await run('ps', '--cluster', '--interval', '0.1');
    t.match(shown.stdout, /\n- +cluster .*\n- +far .*unreachable.*\n- +near .*\nweb-1 +web-1 /);
    t.match(shown.stderr, /^node far: agent .*: .*ECONNREFUSED/);
    const threads = await run('ps', '--cluster', 'web', '--threads', '--interval', '0.1', '--json');
    const levels = (threads.json() as InspectionDocument).rows.map(({ level }) => level);
    t.strictSame(levels.slice(0, 3), ['task', 'process', 'thread']);
    t.equal((await run('ps', '--cluster', '-q')).stdout, 'web-1\n');
    t.match((await run('ps', '--cluster', 'nothing')).stderr, /task nothing: it runs on no node/);
    const look = await run('top', '--cluster', '--batch', '1', '--interval', '0.1', '--json');
    t.match(look.json(), { rows: [{ level: 'cluster' }, { name: 'near' }, { id: 'web-1' }, { name: 'far' }] });
    t.match(
      (await run('top', '--cluster', '--batch', '1', '--interval', '0.1', 'web-1')).stdout,
      /\n {2}sh /,
    );

    writeFileSync(path.join(sandbox, 'end'), '');
    t.equal((await following).stdout, 'last\n', 'followed to its end');
    await cluster.status('web-1', 'TASK_FINISHED');
    t.equal((await run('task', 'logs', '--tail', '1', 'web-1')).stdout, 'last\n');
  },
);
