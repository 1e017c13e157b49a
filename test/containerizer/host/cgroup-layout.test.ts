import { readFileSync } from 'node:fs';
import t from 'tap';
import { assessDelegation } from '../../../src/containerizer/host/cgroup-delegation.js';
import { describeCgroupLayout, detectCgroupLayout } from '../../../src/containerizer/host/cgroup-layout.js';

/** A host as its files tell it. */
interface Host {
  mountinfo: string;
  files: Record<string, string>;
}

const wanted = ['cpu', 'memory', 'pids'];
const base = `21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 0:21 / /proc rw - proc proc rw
23 21 0:22 / /sys rw - sysfs sysfs rw
`;
const v2 = (options: string) =>
  `${base}30 23 0:26 / /sys/fs/cgroup ${options} shared:9 - cgroup2 cgroup2 rw,nsdelegate\n`;
const v2Files = (subtree: string, more: Record<string, string> = {}) => ({
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma misc\n',
  '/sys/fs/cgroup/cgroup.subtree_control': subtree,
  '/sys/fs/cgroup/cgroup.procs': '1\n2\n',
  ...more,
});

const hosts = {
  hybrid: {
    mountinfo: `${base}31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
33 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
34 31 0:32 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio
35 31 0:33 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
36 31 0:34 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
37 31 0:35 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
`,
    files: { '/sys/fs/cgroup/unified/cgroup.controllers': 'hugetlb\n' },
  },
  'v2 with systemd': { mountinfo: v2('rw'), files: v2Files('cpu memory pids\n') },
  'v2 without systemd': { mountinfo: v2('rw'), files: v2Files('\n') },
  'v2 without delegation': {
    mountinfo: v2('rw'),
    files: v2Files('\n', { '/sys/fs/cgroup/cgroup.type': 'domain\n' }),
  },
  'legacy v1': {
    mountinfo: `${base}31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
33 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
35 31 0:33 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
`,
    files: {},
  },
} satisfies Record<string, Host>;

const reader = (files: Record<string, string>) => (path: string) => files[path] ?? null;
const layoutOf = (host: Host, systemd = false) =>
  describeCgroupLayout(host.mountinfo, reader(host.files), systemd);
const hierarchies = (host: Host) =>
  Object.fromEntries(layoutOf(host).controllers.map(({ name, hierarchy }) => [name, hierarchy]));

t.test('layouts of known hosts', async (t) => {
  t.strictSame(layoutOf(hosts.hybrid), {
    layout: 'hybrid',
    unified: '/sys/fs/cgroup/unified',
    scope: null,
    v1: {
      cpu: '/sys/fs/cgroup/cpu,cpuacct',
      cpuacct: '/sys/fs/cgroup/cpu,cpuacct',
      memory: '/sys/fs/cgroup/memory',
      blkio: '/sys/fs/cgroup/blkio',
      pids: '/sys/fs/cgroup/pids',
    },
    controllers: [
      { name: 'cpu', hierarchy: 'v1' },
      { name: 'cpuset', hierarchy: 'none' },
      { name: 'io', hierarchy: 'v1' },
      { name: 'memory', hierarchy: 'v1' },
      { name: 'pids', hierarchy: 'v1' },
      { name: 'hugetlb', hierarchy: 'v2' },
      { name: 'cpuacct', hierarchy: 'v1' },
    ],
  });
  for (const name of ['v2 with systemd', 'v2 without systemd', 'v2 without delegation'] as const) {
    t.match(layoutOf(hosts[name]), { layout: 'unified', unified: '/sys/fs/cgroup', v1: {} }, name);
    t.match(hierarchies(hosts[name]), { cpu: 'v2', io: 'v2', memory: 'v2', pids: 'v2', rdma: 'v2' }, name);
  }
  t.equal(layoutOf(hosts['v2 with systemd'], true).scope, '/sys/fs/cgroup/machine.slice/berth.scope');
  t.equal(layoutOf(hosts['v2 without systemd']).scope, null);
  t.equal(layoutOf(hosts.hybrid, true).scope, null, 'systemd manages no controller there');
  t.match(layoutOf(hosts['legacy v1']), { layout: 'legacy', unified: null });
  t.match(hierarchies(hosts['legacy v1']), { cpu: 'none', memory: 'v1', pids: 'v1' });
  t.match(layoutOf({ mountinfo: base, files: {} }), { layout: 'none', unified: null, v1: {} });
});

t.test('a v1 hierarchy with a name and no controller does not make a host hybrid', async (t) => {
  const named = '40 21 0:40 / /run/named rw - cgroup cgroup rw,xattr,name=systemd\n';
  t.equal(layoutOf({ mountinfo: v2('rw') + named, files: v2Files('') }).layout, 'unified');
});

t.test('a hierarchy hidden by another mount is not there', async (t) => {
  const onIt = '50 37 0:50 / /sys/fs/cgroup/unified rw - tmpfs tmpfs rw\n';
  t.equal(layoutOf({ ...hosts.hybrid, mountinfo: hosts.hybrid.mountinfo + onIt }).layout, 'legacy');
  const onTheWay = '51 31 0:51 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n';
  t.equal(layoutOf({ ...hosts.hybrid, mountinfo: hosts.hybrid.mountinfo + onTheWay }).layout, 'none');
});

t.test('the usual place counts before a second mount, and escapes are read', async (t) => {
  const elsewhere = `${base}29 21 0:26 / /mnt/a\\040b rw - cgroup2 cgroup2 rw\n`;
  t.equal(layoutOf({ mountinfo: elsewhere, files: {} }).unified, '/mnt/a b');
  const both = `${elsewhere}30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n`;
  t.equal(layoutOf({ mountinfo: both, files: {} }).unified, '/sys/fs/cgroup');
});

t.test('delegation', async (t) => {
  const assess = (name: keyof typeof hosts, more: { writable?: boolean; systemd?: boolean } = {}) =>
    assessDelegation({
      unified: '/sys/fs/cgroup',
      wanted,
      writable: true,
      systemd: false,
      read: reader(hosts[name].files),
      ...more,
    });
  t.match(assess('v2 with systemd', { systemd: true }), { lacking: [], how: /Delegate=yes/ });
  t.match(assess('v2 without systemd'), { lacking: [], how: /can be switched on/ });
  t.match(assess('v2 without delegation'), { lacking: wanted, how: /processes live in/ });
  t.match(assess('v2 with systemd', { writable: false }), { lacking: wanted, how: /not writable/ });
});

t.test('this host is read, and quickly', async (t) => {
  const { layout, controllers } = detectCgroupLayout();
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8').includes(' - cgroup');
  t.equal(layout === 'none', !mounted);
  t.ok(controllers.length >= 6);
  // Every launch reads it: reading the files it needs is what it may cost, not searching the hierarchies.
  const best = (work: () => unknown) =>
    Math.min(
      ...Array.from({ length: 50 }, () => {
        const start = process.hrtime.bigint();
        work();
        return Number(process.hrtime.bigint() - start) / 1e6;
      }),
    );
  const [detected, read] = [
    best(detectCgroupLayout),
    best(() => readFileSync('/proc/self/mountinfo', 'utf8')),
  ];
  t.ok(detected < 12 * read, `${detected.toFixed(3)} ms, and ${read.toFixed(3)} ms to read mountinfo`);
});
