// The host image (images/host), booted: systemd manages a pure v2 hierarchy there, so containers live in berth.scope.
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { HostReport } from '../../src/containerizer/host/examine.js';
import { unlessRoot } from '../container/stage.js';
import { busyboxImage } from '../fixtures/busybox-image.js';
import { askHost, hostImage } from './guest.js';

t.test('containers on a host of systemd’s', unlessRoot, async (t) => {
  const folder = mkdtempSync('/var/tmp/berth-test-host-');
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await busyboxImage(path.join(folder, 'image'));
  const script = ['test/vm/host/guest.sh', path.join('/host', folder, 'image')];
  const roots = ['BERTH_ROOT=/var/tmp/berth', 'BERTH_STATE=/run/berth'];
  const { status, stderr, found } = askHost(hostImage(), [], script, roots);
  t.equal(status, 0, `the script ended well: ${stderr}`);
  t.equal(found.end, 'reached', 'all of its lines came through');

  t.test('nothing that doctor looks for is missing', async (t) => {
    const [, document = '{}', status] = /^(.*) (\d+)$/.exec(found.doctor ?? '') ?? [];
    const report = JSON.parse(document) as HostReport;
    t.equal(status, '0');
    t.equal(report.cgroup.layout, 'unified');
    const others = report.checks.filter((check) => check.status !== 'ok').map((check) => check.name);
    t.strictSame(others, ['layer images', 'name servers'], 'Linux 6.1, on no network');
  });

  t.test('a container, and one that outlives the unit that started it', async (t) => {
    t.match(found.run, /from 13$/);
    t.equal(found['first.scope'], 'gone', 'it is made when it is needed');
    t.equal(found.starter, '0', found['starter.err'] ?? '');
    t.match(found.place, /^\/machine\.slice\/berth\.scope\/berth-[0-9a-f]{8}\/[0-9a-f]{12}$/);
    for (const property of ['Delegate=yes', 'TasksMax=infinity', 'ActiveState=active', 'Slice=machine.slice'])
      t.ok(found.scope?.split(' ').includes(property), property);
    t.equal(found.top, '', 'nothing lives in the scope itself');
    for (const step of ['reload', 'restart', 'reexec']) t.equal(found[step], '0', step);
    const limits = /^memory\.max:67108864 pids\.max:50 cpu\.max:50000 100000 cgroup\.procs:\d+$/;
    t.match(found['limits.before'], limits);
    t.equal(found['limits.after'], found['limits.before'], 'the same limits on the same process');
    t.equal(found.controllers, 'cpuset cpu io memory pids');
    const seen = (JSON.parse(found.ps ?? '{}') as { rows: Record<string, unknown>[] }).rows[0];
    t.match(seen, { name: 'kept', state: 'running', processes: 1, memory_limit: 67108864 });
    t.type(seen?.memory_working_set, 'number', 'ps finds its cgroup');
  });

  t.test('nothing remains', async (t) => {
    t.strictSame([found.stop, found.rm], ['kept', 'kept']);
    for (const what of [
      'supervisors',
      'scope.afterwards',
      'scope.after.kill',
      'scope.at.end',
      'supervisors.at.end',
    ])
      t.equal(found[what], 'gone', what);
    t.equal(found['unit.afterwards'], 'LoadState=not-found');
    t.equal(found.left, '');
  });

  t.test('where nothing is delegated it is told, and how to mend that', async (t) => {
    const told = found.undelegated ?? '';
    t.match(told, /limit on \S.*: processes live in \/sys\/fs\/cgroup itself/);
    t.match(told, /mkdir \/sys\/fs\/cgroup\/init/);
    t.match(told, /status 125; cgroup delegation +missing/);
    t.match(told, / mended$/);
  });

  t.test('launches that meet the scope while it goes or comes', async (t) => {
    t.equal(found.launches, '17 of 17');
  });
});
