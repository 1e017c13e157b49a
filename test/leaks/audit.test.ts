import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { detectCgroupLayout } from '../../src/containerizer/host/cgroup-layout.js';
import { until } from '../fixtures/until.js';
import { difference, type Inventory, takeInventory } from './inventory.js';

const isRoot = process.geteuid?.() === 0;
const needsRoot = isRoot ? {} : { skip: 'root: making mounts, cgroups and namespaces' };

/** What is new since `before`, of one kind. */
function fresh(before: Inventory, roots: string[], kind: keyof Inventory): string[] {
  return difference(before, takeInventory(roots)).filter((line) => line.startsWith(`${kind}: `));
}

t.test('nothing is new when nothing happened', async (t) => {
  // Other test files do something meanwhile, though never without a pause.
  await until(() => {
    const before = takeInventory([]);
    return [...fresh(before, [], 'mounts'), ...fresh(before, [], 'cgroups')].length === 0;
  }, 'nothing is new');
  t.strictSame(fresh(takeInventory([]), [], 'zombies'), []);
});

t.test('a file below a root', async (t) => {
  const root = t.testdir();
  const before = takeInventory([root]);
  // Claims of other test files are files too.
  const mine = () => fresh(before, [root], 'files').filter((line) => line.includes(root));
  mkdirSync(path.join(root, 'a'));
  writeFileSync(path.join(root, 'a', 'b'), '');
  t.strictSame(mine(), [`files: ${root}/a`, `files: ${root}/a/b`]);
  rmSync(path.join(root, 'a'), { recursive: true });
  t.strictSame(mine(), []);
});

t.test('a mount', needsRoot, async (t) => {
  const point = path.join(t.testdir({ 'berth-test-mount': {} }), 'berth-test-mount');
  const before = takeInventory([]);
  spawnSync('mount', ['-t', 'tmpfs', 'berth-test', point]);
  t.teardown(() => spawnSync('umount', [point]));
  const mine = () => fresh(before, [], 'mounts').filter((line) => line.includes(point));
  t.match(mine(), [new RegExp(`mounts: \\d+ ${point} tmpfs berth-test`)]);
  spawnSync('umount', [point]);
  t.strictSame(mine(), []);
});

t.test('a cgroup, in every hierarchy', needsRoot, async (t) => {
  const { v1, unified } = detectCgroupLayout();
  const places = [...new Set([...Object.values(v1), ...(unified === null ? [] : [unified])])];
  t.ok(places.length > 0);
  for (const place of places) {
    const before = takeInventory([]);
    const cgroup = path.join(place, `berth-test-leak-${process.pid}`);
    mkdirSync(cgroup);
    try {
      t.strictSame(
        fresh(before, [], 'cgroups').filter((line) => line.includes('-leak-')),
        [`cgroups: ${cgroup}`],
      );
    } finally {
      rmdirSync(cgroup);
    }
    t.strictSame(
      fresh(before, [], 'cgroups').filter((line) => line.includes('-leak-')),
      [],
    );
  }
});

t.test('a supervisor, its network namespace, a child and a zombie', needsRoot, async (t) => {
  const before = takeInventory([]);
  const script = 'exec -a berth-init sleep 60';
  const child = spawn('unshare', ['--net', 'bash', '-c', script], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  t.teardown(() => child.kill('SIGKILL'));
  await until(() => fresh(before, [], 'supervisors').some((line) => line.includes(`${child.pid} `)));
  t.match(fresh(before, [], 'supervisors').join('\n'), new RegExp(`supervisors: ${child.pid} berth-init 60`));
  t.ok(fresh(before, [], 'networks').length > 0);
  t.ok(fresh(before, [], 'children').some((line) => line.includes(`${child.pid} `)));

  child.kill('SIGKILL');
  // Node has not waited for it yet: this turn of the event loop is still ours.
  untilSync(() => fresh(before, [], 'zombies').some((line) => line.includes(`${child.pid} `)));
  await ended;
  t.notOk(fresh(before, [], 'zombies').some((line) => line.includes(`${child.pid} `)));
  t.notOk(fresh(before, [], 'supervisors').some((line) => line.includes(`${child.pid} `)));
});

t.test('a test that leaves something fails by its audit', async (t) => {
  const root = t.testdir({ inner: {} });
  const file = path.join(process.cwd(), 'dist/test/leaks/audit.js');
  const script = `
    import t from 'tap';
    import { writeFileSync } from 'node:fs';
    import { auditLeaks } from ${JSON.stringify(file)};
    const mine = (line) => line.startsWith('files:') && line.includes(${JSON.stringify(root)});
    t.test('leaks', async (t) => {
      auditLeaks(t, [${JSON.stringify(root)}], mine, 100);
      writeFileSync(${JSON.stringify(`${root}/inner/left`)}, '');
    });`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  t.not(run.status, 0);
  t.match(run.stdout, /left behind:[\s\S]*inner\/left/);
  t.strictSame(readdirSync(path.join(root, 'inner')), ['left']);
});

/** Never lets the event loop turn. */
function untilSync(holds: () => boolean): void {
  const deadline = Date.now() + 30_000;
  while (!holds()) if (Date.now() > deadline) throw new Error('did not come about within 30 s');
}
