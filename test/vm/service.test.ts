// Master and agent under systemd, on a host image of the test's own that is booted twice: installed, restarted, exchanged, killed, shut down, uninstalled; tasks are touched by nothing but the shutdown.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { HostReport } from '../../src/containerizer/host/examine.js';
import { unlessRoot } from '../container/stage.js';
import { busyboxImage } from '../fixtures/busybox-image.js';
import { askHost, hostImage } from './guest.js';

/** How systemd of Debian 12 sets the cgroups up, by the kernel's command line (systemd(1)), and where it has tasks live. */
const layouts = {
  unified: { words: '', place: /^0::\/machine\.slice\/berth\.scope\/berth-[0-9a-f]{8}\// },
  hybrid: {
    words: 'systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0',
    place: /^0::\/berth-[0-9a-f]{8}\//,
  },
} as const;

for (const [layout, { words, place }] of Object.entries(layouts))
  t.test(`master and agent under systemd, ${layout}`, unlessRoot, async (t) => {
    const folder = mkdtempSync('/var/tmp/berth-test-service-');
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    await busyboxImage(path.join(folder, 'image'));
    const image = path.join(folder, 'host.ext4');
    execFileSync('cp', ['--sparse=always', '--reflink=auto', hostImage(), image]);
    /** What a boot of it finds. */
    const boot = (part: string): Record<string, string> => {
      const options = [
        '--write',
        '--orderly',
        '--timeout',
        '3000',
        ...(words === '' ? [] : ['--append', words]),
      ];
      const script = ['test/vm/host/service.sh', part, path.join('/host', folder, 'image')];
      const { status, stderr, found } = askHost(image, options, script);
      t.strictSame([status, found.end], [0, 'reached'], `${part}: all of its lines came through: ${stderr}`);
      return found;
    };

    const first = boot('first');
    const [, report = '{}', status] = /^(.*) (\d+)$/.exec(first.doctor ?? '') ?? [];
    const { cgroup, checks } = JSON.parse(report) as HostReport;
    t.equal(cgroup.layout, layout);
    const others = checks.filter((check) => check.status !== 'ok').map((check) => check.name);
    t.strictSame([status, others], ['0', ['layer images', 'name servers']], 'Linux 6.1, on no network');
    t.equal(first.run, String(64 << 20), 'a limit in its container');
    t.match(first.none, /berth-agent.service is not installed 1$/);
    t.match(first.refused, /others can reach this address, and there are no credentials.* 125$/);
    t.match(first.failed, /this host has no such address.* 125$/, 'the journal says why');
    t.match(
      first['failed.left'],
      /No such file.*LoadState=not-found ActiveState=inactive$/,
      'nothing is left of it',
    );
    t.match(first.master, /^berth-master.service: installed, pid \d+, version [\d.]+ 0$/);
    const installed = JSON.parse(first.agent ?? '{}') as { outcome: string; self: { pid: number } };
    t.match(installed, { outcome: 'installed', self: { daemon: 'agent', tasks: [] } });
    t.match(
      first.modes,
      /^600 root \S+agent.json 644 root \S+berth-agent.service 700 root \S+ 600 root \S+agent.sock$/,
    );
    t.match(first.again, new RegExp(`^berth-agent.service: unchanged, pid ${installed.self.pid},`));
    t.match(first.other, /--attributes: \/etc\/berth\/agent.json is there and does not say so .* 125$/);
    t.match(JSON.parse(first.nodes ?? '{}'), { nodes: [{ state: 'active' }] });
    t.match(JSON.parse(first['master.status'] ?? '{}'), {
      self: { agents_connected: 1 },
      state: { active: 'active' },
    });
    t.equal(first.enabled, 'enabled enabled');

    const { sleeper } = first;
    t.match(first.task, /TASK_RUNNING/);
    t.match(sleeper, /^\d+$/);
    t.match(first.place, place);
    t.equal(first.unit, '0', 'outside the cgroup of the unit, in every hierarchy');
    t.match(first.status, /berth-agent.service, enabled, active \(running\).*registered as .*tasks +1: kept/);
    t.equal(first.restart, '0');
    t.equal(first.restarted, `${sleeper} 1 other`, 'systemctl restart');
    t.match(first.outdated, /^mend +berth agent install/);
    t.match(first.upgrade, /^berth-agent.service: upgraded/);
    t.equal(first.upgraded, `${sleeper} 1 false`, 'installed again with other code');
    t.equal(first.killed, `${sleeper} 1 1`, 'kill -9: systemd starts it again, and it takes the task up');
    t.match(first.journal, /0 tasks taken up.*1 tasks taken up.*1 tasks taken up.*1 tasks taken up/);
    t.equal(first.survives, sleeper, 'systemctl stop');
    t.match(first.running, /a task runs here: kept Drain the host first.* 125$/);

    t.equal(first.containers, 'always:running no:running stopped:exited unless-stopped:running');

    const second = boot('second');
    t.equal(second.boot, 'active active', 'both come up with the host');
    t.match(second.gone, /this host has been started anew: the containers of 1 tasks are gone/);
    t.equal(second.sleeper, '');
    t.equal(second.containers, 'always:running no:exited stopped:exited unless-stopped:running');
    const { tasks } = JSON.parse(second.told ?? '{}') as { tasks: { id: string; state: string }[] };
    t.strictSame(
      tasks.map(({ id, state }) => [id, state]),
      [['kept', 'TASK_FAILED']],
    );
    t.match(second.task, /TASK_RUNNING/);
    t.match(second.uninstalled, /uninstalled without an agent: second 0$/);
    t.match(second.alone, /^same .*No such file/);
    t.match(second.taken, /installed, pid \d+/);
    t.equal(second.adopted, 'same 1');
    t.match(
      second.purged,
      /uninstalled ended: second removed \/var\/lib\/berth\/agent .*removed \/etc\/berth\/agent.json 0$/,
    );
    t.match(second.master, /removed \/var\/lib\/berth\/master .* 0$/);
    t.equal(second.left, '', 'nothing is left');
    t.match(second.none, /is not installed 0$/);
  });
