import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { createContainer } from '../../src/containerizer/container/create.js';
import { type Collection, collectImages } from '../../src/containerizer/reclaim/collect-images.js';
import type { CollectPolicy } from '../../src/containerizer/reclaim/collection-plan.js';
import { places } from '../../src/state/roots.js';
import { defaults, Stage, unlessRoot } from '../container/stage.js';

const mebibyte = 1 << 20;
const longAgo = '2021-02-03T04:05:06.000Z';

t.test('images go by age, by last use and by how full the disk is', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const images = places.images(roots);
  const hour = new Date(Date.now() - 3_600_000).toISOString();
  const gc = (policy: Partial<CollectPolicy>, dryRun = false) =>
    collectImages(roots, { keep: [], ...policy }, { dryRun });
  const gone = ({ images: list }: Collection) => list.flatMap((each) => each.names).sort();
  const names = () =>
    Object.keys(
      (JSON.parse(readFileSync(path.join(images, 'index.json'), 'utf8')) as { images: object }).images,
    );
  const own = async (name: string, size = mebibyte) => {
    const made = await stage.makeImage([{ name, type: 'file', content: Buffer.alloc(size, name) }]);
    t.equal(stage.berth('image tag', made.name, `${name}:1`).status, 0);
    t.equal(stage.berth('image rm', made.name).status, 0);
    return made;
  };
  await own('old');
  await own('fresh');
  const used = await own('used');
  const held = await own('held');
  await createContainer(roots, {
    image: held,
    options: { ...defaults, remove: false, command: ['true'], name: 'c' },
  });
  t.equal(stage.berth('run', '--rm', 'used:1', 'true').status, 0);

  // All but one have come long ago.
  const index = path.join(images, 'index.json');
  const document = JSON.parse(readFileSync(index, 'utf8')) as {
    images: Record<string, { loaded_at: string }>;
  };
  for (const [name, image] of Object.entries(document.images))
    if (name !== 'fresh:1') image.loaded_at = longAgo;
  writeFileSync(index, JSON.stringify(document));
  const blobs = path.join(images, 'blobs', 'sha256');
  for (const name of readdirSync(blobs))
    utimesSync(path.join(blobs, name), new Date(longAgo), new Date(longAgo));

  t.strictSame(gone(await gc({ high: 100 })), [], 'a disk that is not full');
  const planned = await gc({ unusedSince: hour, loadedBefore: hour }, true);
  t.ok(gone(planned).includes('old:1') && !gone(planned).includes('used:1'));
  t.ok(planned.bytes >= mebibyte);
  t.ok(names().includes('old:1'), 'a dry run removes nothing');

  const { status, stdout } = stage.berth('image gc', '--json', '--unused-for', '1h');
  t.equal(status, 0);
  const removed = JSON.parse(stdout) as {
    images: { name: string; last_used: string }[];
    reclaimed_bytes: number;
  };
  const told = removed.images.map(({ name }) => name);
  t.ok(told.includes('old:1') && !told.includes('used:1') && !told.includes('held:1'));
  t.equal(removed.images.find(({ name }) => name === 'old:1')?.last_used, longAgo);
  t.ok(removed.reclaimed_bytes >= mebibyte);
  t.match(stage.berth('run', '--rm', 'used:1', 'cat', '/used'), { status: 0, stderr: '' });
  t.equal(stage.berth('start', 'c').status, 0, 'the image of a container is whole');
  t.equal(stage.berth('wait', 'c').status, 0);
  await gc({});

  // The journal forgets; what an earlier collection has learned of it stays.
  rmSync(places.events(roots), { recursive: true });
  t.notOk(gone(await gc({ unusedSince: hour }, true)).includes('used:1'));
  t.ok(gone(await gc({ loadedBefore: hour }, true)).includes('used:1'), 'by age alone');

  const downloads = path.join(images, 'downloads');
  mkdirSync(downloads, { recursive: true });
  for (const name of ['a', 'b'])
    writeFileSync(path.join(downloads, name.repeat(64)), Buffer.alloc(mebibyte, 1));
  utimesSync(path.join(downloads, 'a'.repeat(64)), new Date(longAgo), new Date(longAgo));
  t.match((await gc({ unusedSince: hour })).downloads, [
    { digest: `sha256:${'a'.repeat(64)}`, bytes: Number },
  ]);
  t.strictSame(readdirSync(downloads), ['b'.repeat(64)]);

  const full = { high: 0, low: 0 };
  t.strictSame(
    gone(await gc({ ...full, keep: ['fresh:1'] }, true)),
    ['used:1'],
    'neither those that are kept nor those of containers',
  );
  t.strictSame(gone(await gc(full)), ['fresh:1', 'used:1']);
  t.ok(names().includes('held:1'));
  t.notOk(existsSync(used.layers[0] ?? ''));
  t.equal(stage.berth('rm', 'c').status, 0);
  t.ok(gone(await gc(full)).includes('held:1'));
  for (const wrong of [
    ['--low', '5'],
    ['--high', '101'],
  ])
    t.equal(stage.berth('image gc', ...wrong).status, 125, wrong.join(' '));
});
