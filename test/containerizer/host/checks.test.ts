import t from 'tap';
import { checkCgroups } from '../../../src/containerizer/host/cgroup-checks.js';
import type { CgroupLayout } from '../../../src/containerizer/host/cgroup-layout.js';
import { thisHost } from '../../../src/containerizer/host/host-view.js';
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
import { checkScope } from '../../../src/containerizer/host/scope-checks.js';
import type { NativeError, ProbeName } from '../../../src/native/index.js';
import { type RecordedHost, viewOf } from '../../fixtures/hosts.js';

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
  const none: CgroupLayout = {
    layout: 'none',
    unified: null,
    scope: null,
    v1: {},
    named: null,
    controllers: [],
  };
  t.match(checkCgroups(none, null, viewOf({ files: {} })), [{ status: 'missing', mend: /mount -t cgroup2/ }]);
  const byName = (layout: CgroupLayout, host: RecordedHost, own: string | null = null) =>
    Object.fromEntries(checkCgroups(layout, own, viewOf(host)).map((check) => [check.name, check]));

  const legacy: CgroupLayout = {
    layout: 'legacy',
    unified: null,
    scope: null,
    v1: { memory: '/m', blkio: '/b' },
    named: null,
    controllers: [
      { name: 'memory', hierarchy: 'v1' },
      { name: 'io', hierarchy: 'v1' },
      { name: 'pids', hierarchy: 'none' },
    ],
  };
  const v1Files = { '/m/memory.limit_in_bytes': '', '/m/memory.memsw.limit_in_bytes': '' };
  t.match(byName(legacy, { files: v1Files }), {
    'cgroup memory': { status: 'ok', detail: 'v1 at /m' },
    'cgroup io': { status: 'warn', detail: /without blkio\.throttle/, mend: /CONFIG_BLK_DEV_THROTTLING/ },
    'cgroup pids': { status: 'warn', detail: /--pids-limit/, mend: /cgroup_disable=pids/ },
    'swap limits': { status: 'ok' },
    'cgroup devices': { status: 'warn' },
  });
  t.match(byName(legacy, { files: {}, readOnly: ['/m'] }), {
    'cgroup memory': { status: 'warn', detail: /not writable/ },
    'swap limits': { status: 'warn', mend: /swapaccount=1/ },
  });

  const all = ['cpu', 'memory', 'pids', 'cpuset', 'io'];
  const unified: CgroupLayout = {
    ...{ layout: 'unified', unified: '/c', scope: null, v1: {}, named: null },
    controllers: all.map((name) => ({ name, hierarchy: 'v2' })),
  };
  const root = { '/c/cgroup.controllers': all.join(' '), '/c/cgroup.subtree_control': '\n' };
  t.match(byName(unified, { files: root }), {
    'cgroup delegation': { status: 'ok' },
    'cgroup devices': { status: 'ok', detail: /BPF/ },
    'swap limits': { status: 'warn', mend: /CONFIG_SWAP/ },
  });
  const contained = { ...root, '/c/cgroup.type': 'domain\n', '/c/cgroup.procs': '1\n' };
  const delegation = 'cgroup delegation';
  t.match(byName(unified, { files: contained })[delegation], {
    status: 'missing',
    detail: /no cpu, memory, pids/,
  });
  t.match(byName(unified, { files: contained, readOnly: ['/c'] })[delegation], {
    status: 'missing',
    mend: /read-write/,
  });
  t.match(byName(unified, { files: root, readOnly: ['/c'], user: 1000 })[delegation], { status: 'warn' });
  const withoutPids = { ...unified, controllers: unified.controllers.filter(({ name }) => name !== 'pids') };
  t.match(byName(withoutPids, { files: contained }), {
    [delegation]: { status: 'warn' },
    'cgroup pids': { status: 'warn', mend: /Delegate=yes/ },
  });

  const own = { ...root, '/c/own/cgroup.type': 'domain\n', '/c/own/cgroup.controllers': 'io\n' };
  t.match(byName(unified, { files: own }, '/c/own')['cgroup io'], {
    status: 'warn',
    detail: /without io\.max/,
  });
  t.match(byName(unified, { files: { ...own, '/c/own/io.max': '' } }, '/c/own')['cgroup io'], {
    status: 'ok',
  });
});

t.test('what the scope needs', async (t) => {
  const scope = '/c/machine.slice/berth.scope';
  const layout: CgroupLayout = {
    layout: 'unified',
    unified: '/c',
    scope,
    v1: {},
    named: null,
    controllers: [],
  };
  const socket = { '/run/systemd/private': '' };
  const check = (host: RecordedHost) => checkScope(layout, viewOf(host))[0];
  t.strictSame(checkScope({ ...layout, scope: null }, viewOf({ files: {} })), []);
  t.match(check({ files: socket, programs: ['systemd-run'] }), { status: 'ok', detail: /is made when/ });
  t.match(check({ files: { [`${scope}/cgroup.procs`]: '' } }), { status: 'ok', detail: /is there/ });
  t.match(check({ files: socket }), { status: 'missing', detail: /not installed/, mend: /Install/ });
  t.match(check({ files: {}, programs: ['systemd-run'] }), { status: 'missing', detail: /cannot be asked/ });
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
  t.match(checkRootSpace('/a/b', thisHost), [{ detail: /free at \/a\/b$/ }, { name: 'inodes of --root' }]);
  // A proc file system has no free block.
  t.match(checkRootSpace('/proc/nowhere', thisHost)[0], { status: 'warn', mend: /Free space/ });
  t.match(checkStateSpace('/proc/nowhere', thisHost), { status: 'warn', mend: /--state/ });
  t.match(checkDevNull(thisHost), { status: 'ok' });
  t.match(checkDevNull({ ...thisHost, characterDevice: () => null }), { status: 'missing', mend: /mknod/ });

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
