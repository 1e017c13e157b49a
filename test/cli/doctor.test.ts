import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import type { HostReport } from '../../src/containerizer/host/examine.js';
import { leaksSince } from '../leaks/audit.js';
import { takeInventory } from '../leaks/inventory.js';
import { berth, berthCommand } from './berth.js';

const isRoot = process.geteuid?.() === 0;

/** Runs doctor below a command that takes something away from it. */
function doctorUnder(command: string[]): { status: number | null; report: HostReport } {
  const [file = '', ...rest] = command;
  const run = spawnSync(file, [...rest, ...berthCommand, 'doctor', '--json'], { encoding: 'utf8' });
  return { status: run.status, report: JSON.parse(run.stdout) as HostReport };
}

const named = ({ checks }: HostReport, name: string) => checks.find((check) => check.name === name);

t.test('the document', async (t) => {
  const root = t.testdir();
  const before = takeInventory([root]);
  const { status, stdout, stderr } = berth(['doctor', '--json', '--root', root, '--state', `${root}/state`]);
  const report = JSON.parse(stdout) as HostReport;
  t.equal(stderr, '');
  t.equal(stdout.trimEnd().split('\n').length, 1, 'one document');
  t.strictSame(Object.keys(report), ['cgroup', 'checks']);
  t.ok(['unified', 'hybrid', 'legacy', 'none'].includes(report.cgroup.layout));
  for (const check of report.checks) {
    t.strictSame(Object.keys(check), ['name', 'status', 'detail', 'mend']);
    t.ok(['ok', 'warn', 'missing'].includes(check.status), check.name);
    if (check.status === 'missing') t.type(check.mend, 'string', `${check.name}: a lack has its mend`);
    if (check.status === 'ok') t.equal(check.mend, null);
    if (check.mend !== null) t.match(check.mend, /^[A-Z][^\n]*\.$/, 'one sentence');
  }
  t.equal(new Set(report.checks.map((check) => check.name)).size, report.checks.length, 'each name once');
  t.equal(status, report.checks.some((check) => check.status === 'missing') ? 1 : 0);
  t.strictSame(readdirSync(root), [], 'the root is left as it was');
  const left = await leaksSince(before, [root], (line) => /doctor|^files/.test(line));
  t.strictSame(left, []);
});

t.test('controllers are where the kernel says', async (t) => {
  const { report } = doctorUnder(['env']);
  // /proc/cgroups: name, hierarchy (0: v2 or none), count, enabled.
  for (const line of readFileSync('/proc/cgroups', 'utf8').split('\n').slice(1, -1)) {
    const [kernelName = '', hierarchy] = line.split('\t');
    const name = kernelName === 'blkio' ? 'io' : kernelName;
    const found = report.cgroup.controllers.find((each) => each.name === name)?.hierarchy ?? 'none';
    t.equal(found === 'v1', hierarchy !== '0', `${name} is ${found}`);
  }
});

t.test('the table', async (t) => {
  const { stdout } = berth(['doctor']);
  t.match(stdout, /^CHECK +STATUS +DETAIL\n/);
  t.match(stdout, /^Cgroup layout (unified|hybrid|legacy|none): cpu /m);
  t.match(stdout, /^clone3 +ok /m);
  t.notMatch(stdout, / \n/, 'no trailing blanks');
});

t.test(
  'a host that lacks something required ends with 1',
  isRoot ? {} : { skip: 'root: taking rights away' },
  async (t) => {
    const weak = doctorUnder(['setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin']);
    t.equal(weak.status, 1);
    t.match(named(weak.report, 'capabilities'), { status: 'missing', detail: /CAP_SYS_ADMIN/ });
    t.match(named(weak.report, 'mount api'), { status: 'missing', detail: /EPERM/ });

    // In a user namespace of its own the limit is its own; nothing of the host changes.
    const limited = ['unshare', '--user', '--map-root-user', 'bash', '-c'];
    const noUts = doctorUnder([...limited, 'echo 0 >/proc/sys/user/max_uts_namespaces; exec "$@"', 'bash']);
    t.equal(noUts.status, 1);
    t.match(named(noUts.report, 'namespace uts'), {
      status: 'missing',
      detail: /ENOSPC/,
      mend: /CONFIG_UTS_NS/,
    });

    const noNull = [
      'unshare',
      '--mount',
      'bash',
      '-c',
      'mount --bind /etc/hostname /dev/null; exec "$@"',
      'bash',
    ];
    t.match(named(doctorUnder(noNull).report, '/dev/null'), { status: 'missing', mend: /mknod/ });
  },
);

t.test(
  'without root it says what it could not try',
  isRoot ? {} : { skip: 'root: becoming somebody else' },
  async (t) => {
    // May still read the project, wherever it lies.
    const reading = ['--inh-caps', '+dac_read_search', '--ambient-caps', '+dac_read_search'];
    const { status, report } = doctorUnder([
      ...['setpriv', '--reuid', '1000', '--regid', '1000', '--clear-groups', ...reading],
    ]);
    t.equal(status, 1);
    t.match(named(report, 'root'), { status: 'missing', mend: /root/ });
    t.match(named(report, 'mount api'), { status: 'warn', detail: /without root/ });
    t.equal(named(report, 'idmap'), undefined);
  },
);
