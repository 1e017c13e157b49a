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

    // All at once: most of their time is Node's to start.
    const [logs, tailed, listed, inFolder, part, got, missing] = await Promise.all([
      run('task', 'logs', 'web-1'),
      run('task', 'logs', '--tail', '1', '--since', '1h', 'web'),
      run('task', 'files', 'ls', 'web-1'),
      run('task', 'files', 'ls', 'web-1', 'd', '--json'),
      run('task', 'files', 'read', 'web-1', 'stdout', '--offset', '6', '--length', '3'),
      run('task', 'files', 'download', 'web-1', 'd/f', '-o', path.join(stage.folder, 'got')),
      run('task', 'files', 'read', 'web-1', '../../x'),
    ]);
    t.strictSame([logs.stdout, logs.stderr, logs.status], ['first\nsecond\n', 'oops\n', 0]);
    t.equal(tailed.stderr, 'oops\n');
    const following = run('task', 'logs', '-f', 'web-1');

    t.match(
      listed.stdout,
      /^MODE .* NAME\ndrwxr-xr-x .* d\n-rw-r--r-- .* 5 .* stderr\n-rw-r--r-- .* 13 .* stdout\n$/,
    );
    t.match(inFolder.json(), {
      files: [{ name: 'f', size: 5, mode: '-rw-r--r--' }],
    });
    t.equal(part.stdout, 'sec');
    t.equal(got.status, 0);
    t.equal(readFileSync(path.join(stage.folder, 'got'), 'utf8'), 'data\n');
    t.match(
      [missing.status, missing.stderr],
      [
        125,
        /^berth: task web-1, file \.\.\/\.\.\/x: No such file or folder\nberth task files ls web-1 shows/,
      ],
    );
    const again = await run(
      'task',
      'files',
      'download',
      'web-1',
      'd/f',
      '-o',
      path.join(stage.folder, 'got'),
    );
    t.match([again.status, again.stderr], [125, /got: there is such a file already\nName another one/]);

    const ps = (...args: string[]) => run('ps', '--cluster', '--interval', '0.1', ...args);
    const [all, shown, threads, nothing, look] = await Promise.all([
      ps('--json'),
      ps(),
      ps('web', '--threads', '--json'),
      ps('nothing'),
      run('top', '--cluster', '--batch', '1', '--interval', '0.1', '--json'),
    ]);
    const whole = all.json() as InspectionDocument;
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
    t.match(shown.stdout, /\n- +cluster .*\n- +far .*unreachable.*\n- +near .*\nweb-1 +web-1 /);
    t.match(shown.stderr, /^node far: agent .*: nothing listens there/);
    const levels = (threads.json() as InspectionDocument).rows.map(({ level }) => level);
    t.strictSame(levels.slice(0, 3), ['task', 'process', 'thread']);
    t.match(nothing.stderr, /task nothing: it runs on no node/);
    t.match(look.json(), {
      rows: [{ level: 'cluster' }, { name: 'near' }, { id: 'web-1' }, { name: 'far' }],
    });

    writeFileSync(path.join(sandbox, 'end'), '');
    t.equal((await following).stdout, 'first\nsecond\nlast\n', 'followed to its end');
    await cluster.status('web-1', 'TASK_FINISHED');
    t.equal((await run('task', 'logs', '--tail', '1', 'web-1')).stdout, 'last\n');
  },
);
