import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { listContainers } from '../../src/containerizer/container/catalogue.js';
import { sweepShared } from '../../src/containerizer/container/shared-sweep.js';
import { collectGarbage } from '../../src/containerizer/garbage/collect.js';
import { parseMountTable } from '../../src/containerizer/host/mount-table.js';
import { chooseForm } from '../../src/containerizer/image/layer-form.js';
import { openAgain } from '../../src/containerizer/image/open-layer.js';
import { emptyTrash, makeStore, storePaths } from '../../src/containerizer/image/store.js';
import { FileLock } from '../../src/state/lock.js';
import { Stage } from '../container/stage.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { until } from '../fixtures/until.js';
import { FrontStage } from '../front/front-stage.js';

if (process.geteuid?.() !== 0) t.bailout('layers need root: owners, capabilities, mounts');

const folder = diskFolder(t);
const probed = { root: path.join(folder, 'root'), state: path.join(folder, 'state') };
makeStore(probed);
const { instead } = chooseForm(probed, 'erofs', 0);
const possible = instead === undefined ? {} : { skip: instead };

/** The ids of what is mounted there. */
function mountsOn(directory: string): string[] {
  const table = parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
  return table.filter(({ point }) => point === directory).map(({ id }) => id);
}

t.test('a layer is mounted once, while a container runs', possible, async (t) => {
  const stage = await Stage.open(t);
  stage.berth('image layers', 'erofs');
  const { reference, layers } = await stage.makeImage([{ name: 'own', content: 'own' }]);
  const [mounted = ''] = layers;
  const point = () => mountsOn(mounted);
  t.strictSame(point(), []);
  stage.berth('run', '-d', '--name', 'first', reference, 'sleep', '1000');
  const [first] = point();
  t.type(first, 'string');
  // Whoever comes and goes meanwhile leaves it there.
  for (const verb of ['run --rm', 'create --name waits'])
    t.equal(stage.berth(verb, reference, 'cat', '/own').status, 0, verb);
  t.match(stage.berth('export', 'first').stdout, /own/);
  t.strictSame(point(), [first]);
  t.equal(stage.berth('stop', '-t', '0', 'first').status, 0);
  t.strictSame(point(), []);

  // Of one that ends while nobody looks it stays, until somebody does.
  stage.berth(
    'run',
    '-d',
    '--name',
    'second',
    reference,
    'sh',
    '-c',
    'until test -e /go; do sleep 0.01; done',
  );
  // Which may itself be killed with what it ends.
  stage.berth('exec', 'second', 'touch', '/go');
  await until(() => listContainers(stage.roots, () => {}).every(({ state }) => state !== 'running'));
  t.equal(point().length, 1);
  const found = [{ kind: 'layer', name: mounted, detail: 'it is mounted, and no container runs' }];
  t.match(await collectGarbage(stage.roots, { dryRun: true }), [{ ...found[0], healed: false }]);
  t.match(await collectGarbage(stage.roots, { dryRun: false }), [{ ...found[0], healed: true }]);
  t.strictSame(point(), []);

  // Who reads, and who adds to the store, keeps it.
  const { storeLock, readersLock } = storePaths(stage.roots);
  for (const file of [storeLock, readersLock, path.join(stage.roots.root, 'launch.lock')]) {
    openAgain(stage.roots, layers);
    const lock = await FileLock.take(file, 'shared');
    sweepShared(stage.roots);
    t.equal(point().length, 1, file);
    lock.release();
    sweepShared(stage.roots);
    t.strictSame(point(), [], file);
  }
  for (const name of ['first', 'second', 'waits']) t.equal(stage.berth('rm', name).status, 0);
});

t.test('a command that runs without Node mounts what it needs, and takes it off', possible, async (t) => {
  const stage = await Stage.open(t);
  stage.berth('image layers', 'erofs');
  const { reference, layers } = await stage.makeImage([{ name: 'own', content: 'own' }]);
  const [mounted = ''] = layers;
  const front = new FrontStage(stage.folder, stage.roots);
  const words = ['run', '--rm', reference, 'cat', '/own'];
  for (const node of [true, false, false]) {
    t.match(front.run(words), { status: 0, stdout: 'own', stderr: '', node });
    t.strictSame(mountsOn(mounted), []);
  }
  const first = front.run(['run', '-d', '--name', 'first', reference, 'sleep', '1000']);
  t.equal(first.status, 0);
  const there = mountsOn(mounted);
  t.equal(there.length, 1);
  t.match(front.run(words), { status: 0, node: false });
  t.strictSame(mountsOn(mounted), there, 'not while another runs');
  t.equal(stage.berth('rm', '-f', 'first').status, 0);
  t.strictSame(mountsOn(mounted), []);
  const { storeLock, readersLock } = storePaths(stage.roots);
  for (const file of [storeLock, readersLock, path.join(stage.roots.root, 'launch.lock')]) {
    const lock = await FileLock.take(file, 'shared');
    t.match(front.run(words), { status: 0, node: false });
    t.equal(mountsOn(mounted).length, 1, 'nor while somebody reads, adds or launches');
    lock.release();
    t.match(front.run(words), { status: 0, node: false });
    t.strictSame(mountsOn(mounted), []);
  }

  // One whose file is not what was written is nothing to launch on: it is made again of its blob.
  truncateSync(`${mounted}.erofs`, 4096);
  t.match(front.run(words), { status: 0, stdout: 'own', node: true });
  t.strictSame(mountsOn(mounted), []);
  await emptyTrash(stage.roots);
});

t.test(
  'a container that is kept is not started on a layer that is not what was written',
  possible,
  async (t) => {
    const stage = await Stage.open(t);
    stage.berth('image layers', 'erofs');
    const { reference, layers } = await stage.makeImage([{ name: 'own', content: 'own' }]);
    const [mounted = ''] = layers;
    t.equal(stage.berth('create', '--name', 'kept', reference, 'cat', '/own').status, 0);
    const file = `${mounted}.erofs`;
    const whole = readFileSync(file);
    const altered = Buffer.from(whole);
    altered.write('another identity', 1024 + 48);
    const faults: [string, Buffer][] = [
      ['another size', whole.subarray(0, 4096)],
      ['another than', altered],
    ];
    for (const [why, content] of faults) {
      writeFileSync(file, content);
      const { status, stderr } = stage.berth('start', '-a', 'kept');
      t.equal(status, 125);
      t.match(stderr, new RegExp(`^berth: layer ${mounted}: its image .*${why}.*\nBring its image again`));
      t.strictSame(mountsOn(mounted), []);
    }
    writeFileSync(file, whole);
    t.match(stage.berth('start', '-a', 'kept'), { status: 0, stdout: 'own' });
    stage.berth('rm', 'kept');
  },
);
