import { existsSync, linkSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { createContainer } from '../../src/containerizer/container/create.js';
import { lockLaunch } from '../../src/containerizer/container/launch-lock.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { pruneImages } from '../../src/containerizer/reclaim/prune-images.js';
import { volumeData } from '../../src/containerizer/volume/store.js';
import { places } from '../../src/state/roots.js';
import { defaults, Stage, unlessRoot } from '../container/stage.js';
import { Person } from '../fixtures/person.js';

interface Share<Item> {
  count: number;
  active: number;
  size: number;
  reclaimable: number;
  items: Item[];
}
interface Disk {
  images: Share<{
    names: string[];
    size: number;
    shared_size: number;
    unique_size: number;
    containers: string[];
  }>;
  containers: Share<{ name: string; size: number }>;
  volumes: Share<{ name: string; size: number; containers: string[] }>;
  cache: Share<{ path: string }>;
}

t.test('what there is, what it takes, and what can go', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const berth = (verb: string, ...args: string[]) => {
    const { status, stdout, stderr } = stage.berth(verb, ...args);
    t.equal(status, 0, stderr);
    return stdout;
  };
  const json = <Document>(verb: string, ...args: string[]) =>
    JSON.parse(berth(verb, '--json', ...args)) as Document;
  const disk = () => json<Disk>('df', '-v');
  const mebibyte = 1 << 20;

  // Two images that share a layer: what is on top is an own one.
  const top = await stage.makeImage([{ name: 'big', type: 'file', content: Buffer.alloc(2 * mebibyte, 1) }]);
  berth('image tag', stage.image.name, 'base:1');
  berth('image tag', top.name, 'top:1');
  const runs = await stage.start(['sleep', '1000'], { name: 'runs', remove: false });
  const ended = await stage.start(['dd', 'if=/dev/zero', 'of=/written', 'bs=1M', 'count=3'], {
    name: 'ended',
    remove: false,
  });
  await ended.gone;
  await createContainer(roots, {
    image: top,
    options: { ...defaults, remove: false, command: ['true'], name: 'never' },
  });
  berth('volume create', 'named');

  t.test('df: blocks, not lengths; what is shared counts once', (t) => {
    const data = volumeData(roots, 'named');
    writeFileSync(path.join(data, 'file'), Buffer.alloc(mebibyte, 1));
    linkSync(path.join(data, 'file'), path.join(data, 'again'));
    writeFileSync(path.join(data, 'sparse'), '');
    truncateSync(path.join(data, 'sparse'), 2 ** 40);
    const { images, containers, volumes, cache } = disk();
    t.match(images, { count: 2, active: 2, reclaimable: 0 });
    const [base, over] = ['base:1', 'top:1'].map((name) =>
      images.items.find(({ names }) => names.includes(name)),
    );
    t.match(base?.containers.length, 2);
    t.ok((over?.unique_size ?? 0) >= 2 * mebibyte, 'its own layer');
    t.ok((over?.unique_size ?? 0) < (over?.size ?? 0));
    t.equal(base?.shared_size, over?.shared_size, 'the layer of both');
    t.equal(images.size, (base?.size ?? 0) + (over?.unique_size ?? 0), 'counts once');
    const sizes = Object.fromEntries(containers.items.map(({ name, size }) => [name, size]));
    t.ok((sizes['ended'] ?? 0) >= 3 * mebibyte);
    t.match(containers, { count: 3, active: 1, reclaimable: (sizes['ended'] ?? 0) + (sizes['never'] ?? 0) });
    t.match(volumes, { count: 1, active: 0, reclaimable: volumes.size });
    t.ok(volumes.size >= mebibyte && volumes.size < 2 * mebibyte, `${volumes.size}`);
    t.equal(cache.reclaimable, cache.size);
    t.notOk('items' in json<Disk>('df').images);
    t.match(berth('df'), /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nimages +2 +2 /);
    t.match(berth('df', '-v'), /top:1/);
    t.end();
  });

  t.test('info', (t) => {
    t.match(json('info'), {
      host: { name: String, kernel: String, cpus: Number, memory: Number, architecture: 'amd64' },
      versions: { berth: String, node: process.versions.node },
      cgroup: { layout: /unified|hybrid|legacy/, controllers: Array },
      storage: { root: roots.root, state: roots.state, file_system: String, free: Number },
      containers: { total: 3, running: 1, exited: 1, created: 1, paused: 0 },
      volumes: 1,
    });
    t.match(
      berth('info'),
      /^Host .*\nKernel +Linux [\s\S]*\nContainers +3: 1 running, 1 created, 1 exited\n/,
    );
    t.end();
  });

  t.test('inspect: several things, of several kinds', (t) => {
    const several = json<{ name: string; manifest?: object; mountpoint?: string; state?: string }[]>(
      'inspect',
      ...['runs', 'top:1', 'named', 'never'],
    );
    t.match(several, [
      { name: 'runs', state: 'running' },
      { name: 'top:1', manifest: Object },
      { name: 'named', mountpoint: String },
      { name: 'never', state: 'created' },
    ]);
    t.match(json('inspect', 'runs'), { name: 'runs', pid: Number }, 'one is a document');
    t.match(json('inspect', '--type', 'volume', 'named'), { name: 'named' });
    t.match(stage.berth('inspect', '--type', 'image', 'runs'), { status: 125, stderr: /image runs/ });
    const partly = stage.berth('inspect', '--json', 'runs', 'nosuch');
    t.match(partly, { status: 125, stderr: /nosuch: no container, image, volume or network/ });
    t.match(JSON.parse(partly.stdout), [{ name: 'runs' }]);
    t.match(stage.berth('inspect', 'nosuch'), { status: 125, stdout: '' });
    t.end();
  });

  t.test('prune asks, or refuses', async (t) => {
    t.match(stage.berth('prune'), { status: 125, stderr: /no terminal.*\n.*-f/ });
    const somebody = new Person(stage.command('prune', []));
    await somebody.see('[y/N]');
    somebody.type('n\r');
    t.equal(await somebody.status, 0);
    t.match(stage.berth('prune', '-f', '--volumes', '--filter', 'until=1h'), { status: 125 });
    t.match(stage.berth('prune', '-f', '--filter', 'label=x'), { status: 125 });
    t.equal(disk().containers.count, 3, 'nothing is gone');
  });

  t.test('prune: what nothing uses, and nothing else', async (t) => {
    berth('run', '--name', 'lonely', '-v', '/data', stage.image.reference, 'true');
    t.match(json('prune', '-f', '--filter', 'until=1h'), { containers: [], images: [], reclaimed_bytes: 0 });
    const before = disk();
    const pruned = json<{
      containers: string[];
      volumes: string[];
      images: object[];
      reclaimed_bytes: number;
    }>('prune', ...['-f', '--volumes']);
    t.equal(pruned.containers.length, 3, 'ended, never and lonely');
    t.equal(pruned.volumes.length, 1, 'the one without a name');
    t.strictSame(pruned.images, [], 'each has a name');
    const gone = before.containers.size + before.volumes.size - disk().containers.size - disk().volumes.size;
    t.ok(Math.abs(pruned.reclaimed_bytes - gone) < mebibyte / 4, `${pruned.reclaimed_bytes} of ${gone}`);
    t.match(json('inspect', 'runs'), { state: 'running' });
    t.ok(existsSync(volumeData(roots, 'named')), 'what has a name is left');

    // A container on its way has its image on record once that is over: until then nothing goes.
    const launching = await lockLaunch(roots);
    const waiting = pruneImages(roots, { all: true });
    let done = false;
    void waiting.then(() => {
      done = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 150));
    t.notOk(done);
    launching.release();
    const { images, bytes } = await waiting;
    t.ok(images.some(({ name }) => name === 'top:1') && !images.some(({ name }) => name === 'base:1'));
    t.ok(bytes >= 2 * mebibyte);
    t.ok(
      (await provideImage(roots, 'base:1')).layers.every((layer) => existsSync(layer)),
      'the layer that both had',
    );
    const { images: left } = disk();
    t.match(left, { count: 1, active: 1, reclaimable: 0 });
  });

  t.test('what lost its name, parts of downloads, and what nobody needs', async (t) => {
    const folder = path.join(places.images(roots), 'downloads');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'part'), Buffer.alloc(mebibyte, 1));
    const orphan = path.join(places.images(roots), 'layers', 'orphan');
    mkdirSync(orphan);
    runs.signal(9);
    await runs.ended;
    await runs.gone;
    t.match(json('container prune', '-f'), { containers: [runs.id] });
    const { reclaimed_bytes } = json<{ reclaimed_bytes: number }>('image gc');
    t.ok(reclaimed_bytes >= mebibyte && reclaimed_bytes < 2 * mebibyte);
    t.notOk(existsSync(orphan) || existsSync(path.join(folder, 'part')));
    t.equal(disk().images.count, 1);
    t.match(json('prune', '-f', '-a'), { images: Array });
    t.match(disk().images, { count: 0, size: 0 });
    t.equal(readFileSync(path.join(places.images(roots), 'index.json'), 'utf8').includes('sha256'), false);
  });
});
