import { readFileSync } from 'node:fs';
import t from 'tap';
import { cgroupPlaces } from '../../../src/containerizer/container/cgroup-places.js';
import { assessDelegation } from '../../../src/containerizer/host/cgroup-delegation.js';
import { describeCgroupLayout, detectCgroupLayout } from '../../../src/containerizer/host/cgroup-layout.js';
import { hosts, type RecordedHost, v2Mount, viewOf } from '../../fixtures/hosts.js';

const mountTable = '/proc/self/mountinfo';
const layoutOf = ({ files }: RecordedHost, systemd = false) =>
  describeCgroupLayout(files[mountTable] ?? '', (file) => files[file] ?? null, systemd);
const hierarchies = (host: RecordedHost) =>
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
    named: null,
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
    const memory = name === 'v2 without delegation' ? 'none' : 'v2';
    t.match(hierarchies(hosts[name]), { cpu: 'v2', io: memory, memory, pids: 'v2' }, name);
  }
  t.equal(layoutOf(hosts['v2 with systemd'], true).scope, '/sys/fs/cgroup/machine.slice/berth.scope');
  t.equal(layoutOf(hosts['v2 without systemd']).scope, null);
  t.equal(layoutOf(hosts.hybrid, true).scope, null, 'systemd manages no controller there');
  t.match(layoutOf(hosts['legacy v1']), { layout: 'legacy', unified: null });
  t.match(hierarchies(hosts['legacy v1']), { cpu: 'none', memory: 'v1', pids: 'v1' });
  t.match(layoutOf({ files: {} }), { layout: 'none', unified: null, v1: {} });
});

t.test('a v1 hierarchy with a name and no controller does not make a host hybrid', async (t) => {
  const named = '40 21 0:40 / /run/named rw - cgroup cgroup rw,xattr,name=systemd\n';
  const unified = { files: { [mountTable]: v2Mount('rw') + named } };
  t.match(layoutOf(unified, true), { layout: 'unified', named: null });
  t.equal(layoutOf(hosts.hybrid).named, null, 'nobody keeps units in it');
  const layout = layoutOf(hosts.hybrid, true);
  t.equal(layout.named, '/sys/fs/cgroup/systemd');
  const places = cgroupPlaces({ root: '/r', state: '/s' }, 'id', new Set(), layout);
  t.match(
    places.v1.systemd,
    /^\/sys\/fs\/cgroup\/systemd\/berth-[0-9a-f]{8}\/id$/,
    'containers leave the unit that launched them there too',
  );
});

t.test('a hierarchy hidden by another mount is not there', async (t) => {
  const { files } = hosts.hybrid;
  const hybridWith = (line: string) => ({ files: { ...files, [mountTable]: files[mountTable] + line } });
  const onIt = '50 37 0:50 / /sys/fs/cgroup/unified rw - tmpfs tmpfs rw\n';
  t.equal(layoutOf(hybridWith(onIt)).layout, 'legacy');
  const onTheWay = '51 31 0:51 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n';
  t.equal(layoutOf(hybridWith(onTheWay)).layout, 'none');
});

t.test('the usual place counts before a second mount, and escapes are read', async (t) => {
  const elsewhere = `29 21 0:26 / /mnt/a\\040b rw - cgroup2 cgroup2 rw\n`;
  t.equal(layoutOf({ files: { [mountTable]: elsewhere } }).unified, '/mnt/a b');
  const both = `${elsewhere}30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n`;
  t.equal(layoutOf({ files: { [mountTable]: both } }).unified, '/sys/fs/cgroup');
});

t.test('delegation', async (t) => {
  const unified = '/sys/fs/cgroup';
  const scope = `${unified}/machine.slice/berth.scope`;
  const assess = (host: RecordedHost, place: string | null = null) =>
    assessDelegation(unified, place, viewOf(host));
  const wanted = ['cpu', 'memory', 'pids', 'cpuset', 'io'];
  const managed = hosts['v2 with systemd'];
  t.match(assess(managed, scope), { lacking: [], how: /Delegate=yes/ });
  const given = { ...managed.files, [`${scope}/cgroup.controllers`]: 'cpu pids\n' };
  t.match(assess({ files: given }, scope), { lacking: ['memory', 'cpuset', 'io'] }, 'the scope itself tells');
  t.match(assess(hosts['v2 without systemd']), { lacking: [], how: /can be switched on/ });
  t.match(assess(hosts['v2 without delegation']), {
    lacking: wanted,
    how: /processes live in/,
    mend: /mkdir/,
  });
  t.match(assess({ ...managed, readOnly: [unified] }), { lacking: wanted, how: /not writable/ });
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
