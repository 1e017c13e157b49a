// Master and agent under systemd, on a host image of the test's own that is booted twice: installed, restarted, exchanged, killed, cut off, uninstalled; tasks are touched by none of it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { unlessRoot } from '../container/stage.js';
import { projectFolder } from '../source-files.js';
import { runInGuest } from './guest.js';

const vmCache = process.env.BERTH_VM_CACHE ?? '/var/cache/berth-test/vm';

/** The path that a script of the project prints. */
function printed(script: string, ...args: string[]): string {
  return execFileSync(path.join(projectFolder, script), args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

t.test('master and agent under systemd', unlessRoot, async (t) => {
  const folder = mkdtempSync('/var/tmp/berth-test-service-');
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const kernel = printed('test/vm/kernel', vmCache);
  const original = printed('dev', 'host-image', '--modules', path.join(kernel, 'modules'));
  const image = path.join(folder, 'host.ext4');
  execFileSync('cp', ['--sparse=always', '--reflink=auto', original, image]);
  /** What a boot of it finds. */
  const boot = (part: string): Record<string, string> => {
    const script = [
      'env',
      '-i',
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      'bash',
      'test/vm/host/service.sh',
      part,
    ];
    const ran = runInGuest(['--image', image, '--write', '--timeout', '1500'], script);
    if (ran.status !== 0) t.comment(ran.stderr);
    const lines = ran.stdout.split('\n').map((line): [string, string] => {
      const [name = '', value = ''] = line.split('\t', 2);
      return [name, value];
    });
    const found = Object.fromEntries(lines);
    t.strictSame(
      [ran.status, found.end],
      [0, 'reached'],
      `${part}: all of its lines came through: ${ran.stderr}`,
    );
    return found;
  };

  const first = boot('first');
  t.match(first.none, /berth-agent.service is not installed 1$/);
  t.match(first.refused, /others can reach this address, and there are no credentials.* 125$/);
  t.match(first.failed, /EADDRNOTAVAIL.* 125$/, 'the journal says why');
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
  t.match(first.place, /^\/machine\.slice\/berth\.scope\//, 'outside the cgroup of the unit');
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

  const second = boot('second');
  t.equal(second.boot, 'active active', 'both come up with the host');
  t.match(second.gone, /this host has been started anew: the containers of 1 tasks are gone/);
  t.equal(second.sleeper, '');
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
