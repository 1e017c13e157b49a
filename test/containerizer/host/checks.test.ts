import t from 'tap';
import { checkCgroups } from '../../../src/containerizer/host/cgroup-checks.js';
import type { CgroupLayout } from '../../../src/containerizer/host/cgroup-layout.js';
import { checkIds } from '../../../src/containerizer/host/id-checks.js';
import { containerIds } from '../../../src/containerizer/host/id-range.js';
import { checkKernel } from '../../../src/containerizer/host/kernel-checks.js';
import { checkPrivileges } from '../../../src/containerizer/host/privilege-checks.js';
import {
  checkAccounting,
  checkDevNull,
  checkNameServers,
  checkRootSpace,
  checkStateSpace,
} from '../../../src/containerizer/host/resource-checks.js';
import type { NativeError, ProbeName } from '../../../src/native/index.js';

const reader = (files: Record<string, string>) => (path: string) => files[path] ?? null;

t.test('privileges', async (t) => {
  const status = (capabilities: string) =>
    reader({ '/proc/self/status': `Name:\tx\nCapEff:\t${capabilities}\n` });
  t.match(checkPrivileges(status('0'), 1000), [{ name: 'root', status: 'missing', mend: /as root/ }]);
  t.strictSame(
    checkPrivileges(status('000001ffffffffff'), 0).map((check) => check.status),
    ['ok', 'ok'],
  );
  const withoutAdmin = (0x1ffffffffffn & ~(1n << 21n)).toString(16);
  t.match(checkPrivileges(status(withoutAdmin), 0)[1], { status: 'missing', detail: 'lacks CAP_SYS_ADMIN' });
  const withoutResource = (0x1ffffffffffn & ~(1n << 24n)).toString(16);
  t.match(checkPrivileges(status(withoutResource), 0)[2], { name: 'CAP_SYS_RESOURCE', status: 'warn' });
});

t.test('the ids of containers belong to nobody else', async (t) => {
  const [users, groups] = checkIds(reader({ '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n' }));
  t.match(users, { status: 'ok', detail: `17920 ranges of 65536 ids from ${containerIds.first}` });
  t.match(groups, { status: 'ok' });
  const last = containerIds.first + containerIds.size * containerIds.count - 1;
  const check = (files: Record<string, string>) => checkIds(reader(files))[0];
  t.match(check({ '/etc/subuid': `ann:${last}:10\n` }), {
    status: 'warn',
    detail: /but ann has/,
    mend: /ann/,
  });
  t.match(check({ '/etc/subuid': `ann:${last + 1}:65536\n#bob:${last}:9\nodd line\n` }), { status: 'ok' });
  t.match(check({ '/etc/passwd': `bob:x:${containerIds.first}:0::/:/bin/sh\n` }), { status: 'warn' });
  t.match(check({ '/etc/subuid': 'berth:1000000:655360\n' }), {
    status: 'ok',
    detail: /^10 ranges .* from 1000000/,
  });
  t.match(check({ '/etc/subuid': 'berth:1000000:655360\nann:1500000:65536\n' }), { status: 'warn' });
  t.match(checkIds(reader({ '/etc/subgid': `ann:${last}:10\n` }))[1], {
    name: 'group id range',
    status: 'warn',
  });
});

t.test('cgroups', async (t) => {
  const none: CgroupLayout = { layout: 'none', unified: null, scope: null, v1: {}, controllers: [] };
  const facts = { read: reader({}), writable: () => true, systemd: false };
  t.match(checkCgroups({ ...facts, layout: none }), [{ status: 'missing', mend: /mount -t cgroup2/ }]);

  const legacy: CgroupLayout = {
    layout: 'legacy',
    unified: null,
    scope: null,
    v1: { memory: '/m' },
    controllers: [
      { name: 'memory', hierarchy: 'v1' },
      { name: 'pids', hierarchy: 'none' },
    ],
  };
  const byName = (layout: CgroupLayout, more: Partial<typeof facts> = {}) =>
    Object.fromEntries(checkCgroups({ ...facts, ...more, layout }).map((check) => [check.name, check]));
  t.match(byName(legacy), {
    'cgroup memory': { status: 'ok', detail: 'v1 at /m' },
    'cgroup pids': { status: 'warn', detail: /--pids-limit/, mend: /cgroup_disable=pids/ },
    'cgroup devices': { status: 'warn' },
  });
  t.match(byName(legacy, { writable: () => false }), {
    'cgroup memory': { status: 'warn', detail: /not writable/ },
  });

  const unified: CgroupLayout = { layout: 'unified', unified: '/c', scope: null, v1: {}, controllers: [] };
  const all = { '/c/cgroup.controllers': 'cpu memory pids\n', '/c/cgroup.subtree_control': '\n' };
  t.match(byName(unified, { read: reader(all) }), {
    'cgroup delegation': { status: 'ok' },
    'cgroup devices': { status: 'ok', detail: /BPF/ },
  });
  const contained = { ...all, '/c/cgroup.type': 'domain\n', '/c/cgroup.procs': '1\n' };
  t.match(byName(unified, { read: reader(contained) }), {
    'cgroup delegation': { status: 'warn', detail: /no cpu, memory, pids limits/ },
  });
});

t.test('what the kernel was found to do', async (t) => {
  const failure = (code: string): NativeError =>
    Object.assign(new Error(code), { name: 'NativeError' as const, code, errno: 1, syscall: 'clone3' });
  const check = (name: ProbeName, code: string, privileged = true) =>
    checkKernel([{ name, failure: failure(code) }], privileged)[0];
  t.match(checkKernel([{ name: 'pidfd', failure: null }], true), [{ status: 'ok', mend: null }]);
  t.match(check('namespace user', 'ENOSPC'), {
    status: 'missing',
    detail: /clone3 fails with ENOSPC/,
    mend: /sysctl/,
  });
  t.match(check('namespace time', 'EINVAL'), { status: 'warn' });
  t.match(check('mount api', 'EPERM'), { status: 'missing' });
  t.match(check('mount api', 'EPERM', false), { status: 'warn', detail: /without root/ });
  t.match(check('mount api', 'ENOSYS', false), { status: 'missing' });
});

t.test('space, accounting, devices, name servers', async (t) => {
  t.match(checkRootSpace('/a/b', '/'), [{ detail: /free at \/a\/b$/ }, { name: 'inodes of --root' }]);
  // A proc file system has no free block.
  t.match(checkRootSpace('/p', '/proc')[0], { status: 'warn', mend: /Free space/ });
  t.match(checkStateSpace('/p', '/proc'), { status: 'warn', mend: /--state/ });
  t.match(checkDevNull(), { status: 'ok' });

  const pressure = { '/proc/pressure/cpu': '', '/proc/pressure/memory': '', '/proc/pressure/io': '' };
  const on = reader({ ...pressure, '/proc/sys/kernel/task_delayacct': '1\n' });
  t.strictSame(
    checkAccounting(on).map((check) => check.status),
    ['ok', 'ok'],
  );
  t.match(checkAccounting(reader({ '/proc/sys/kernel/task_delayacct': '0\n' })), [
    { status: 'warn', detail: /is 0/, mend: /task_delayacct=1/ },
    { status: 'warn', detail: /lacks cpu, memory, io/, mend: /psi=1/ },
  ]);

  const servers = (etc: string, behind?: string) =>
    checkNameServers(
      reader({ '/etc/resolv.conf': etc, ...(behind && { '/run/systemd/resolve/resolv.conf': behind }) }),
    );
  t.match(servers('nameserver 10.0.0.1\n'), { status: 'ok', detail: '10.0.0.1' });
  t.match(servers('nameserver 127.0.0.53\n', 'nameserver 10.0.0.2\n'), {
    status: 'ok',
    detail: /10\.0\.0\.2.*stub/,
  });
  t.match(servers('nameserver 127.0.0.53\n'), { status: 'warn', mend: /--dns/ });
  t.match(servers('# none\n'), { status: 'warn' });
});
