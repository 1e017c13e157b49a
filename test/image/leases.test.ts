import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import { createContainer } from '../../src/containerizer/container/create.js';
import { lockLaunch } from '../../src/containerizer/container/launch-lock.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { imageUser } from '../../src/containerizer/image/image-user.js';
import { readNames } from '../../src/containerizer/image/names.js';
import { removeImage } from '../../src/containerizer/image/remove.js';
import { blobFile, Session, storePaths } from '../../src/containerizer/image/store.js';
import { tagImage } from '../../src/containerizer/image/tag.js';
import { collectImages } from '../../src/containerizer/reclaim/collect-images.js';
import { pruneImages } from '../../src/containerizer/reclaim/prune-images.js';
import { native } from '../../src/native/index.js';
import type { Digest } from '../../src/oci-spec/digest.js';
import { FileLock } from '../../src/state/lock.js';
import { defaults, Stage, unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';

/** Does somebody wait for the lock on a file? (proc_locks(5)) */
function isAwaited(file: string): boolean {
  const { ino } = statSync(file);
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .some((line) => line.includes('-> FLOCK') && line.includes(`:${ino} `));
}

/** `waits` once it is seen waiting for the lock, `went on` if it comes to its end before. */
function whatBecomesOf(work: Promise<unknown>, lock: string): Promise<string> {
  const over = work.then(
    () => 'went on',
    (error: Error) => error.message,
  );
  return Promise.race([over, until(() => isAwaited(lock)).then(() => 'waits')]);
}

t.test('what somebody is at stays', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { roots } = stage;
  const { storeLock, indexLock, layers, locks } = storePaths(roots);
  const own = (name: string) => stage.makeImage([{ name, content: name }]);
  const everything = { unusedSince: '9999-01-01T00:00:00Z', keep: [stage.image.name] };
  const removers = {
    'image gc': () => collectImages(roots, everything, { dryRun: false }),
    prune: () => pruneImages(roots, { all: true, keep: [stage.image.name] }),
    'image rm': async () => {
      const [name = ''] = Object.keys(readNames(roots).images).filter((each) => each !== stage.image.name);
      return removeImage(roots, name, imageUser(roots));
    },
  };

  for (const [verb, remove] of Object.entries(removers)) {
    await t.test(`${verb}: what a load has made so far`, async (t) => {
      await own(verb);
      const session = await Session.open(roots);
      // In its place, and in no index yet.
      const made = path.join(layers, 'f'.repeat(32));
      mkdirSync(made);
      const removing = remove();
      t.equal(await whatBecomesOf(removing, storeLock), 'waits');
      t.ok(existsSync(made));
      await session.close();
      await removing;
      t.notOk(existsSync(made), 'nobody came to need it');
    });
    await t.test(`${verb}: nothing is made while it looks for what nobody needs`, async (t) => {
      const alone = await FileLock.take(storeLock);
      const opening = Session.open(roots);
      t.equal(await whatBecomesOf(opening, storeLock), 'waits');
      alone.release();
      await (await opening).close();
    });
  }

  for (const verb of ['image gc', 'prune'] as const) {
    await t.test(`${verb}: the image of a container that is being launched`, async (t) => {
      const image = await own(`launched by ${verb}`);
      const launching = await lockLaunch(roots);
      const removing = removers[verb]();
      await until(() => {
        const free = FileLock.attempt(indexLock);
        free?.release();
        return free === undefined;
      });
      const { id } = await createContainer(roots, {
        image,
        options: { ...defaults, remove: false, command: ['true'] },
      });
      launching.release();
      await removing;
      t.ok(Object.hasOwn(readNames(roots).images, image.name));
      for (const layer of image.layers) t.ok(existsSync(layer), layer);
      await removeContainer(roots, findContainer(roots, id), { force: true });
    });
  }

  await t.test('image gc: the image of a container that came when its layers had gone', async (t) => {
    const image = await own('late');
    const { diskUsage } = native();
    let measured = 0;
    let id = '';
    native().diskUsage = async (paths) => {
      // First the plan is made, then what its layers took is measured.
      if (++measured === 2) {
        const options = { ...defaults, remove: false, command: ['true'] };
        ({ id } = await createContainer(roots, { image, options }));
      }
      return diskUsage(paths);
    };
    t.teardown(() => {
      native().diskUsage = diskUsage;
    });
    await collectImages(roots, everything, { dryRun: false });
    t.ok(Object.hasOwn(readNames(roots).images, image.name), 'its layers can be made again');
    await removeContainer(roots, findContainer(roots, id), { force: true });
  });

  await t.test('image gc: the layers of a container whose image is damaged', async (t) => {
    const image = await own('damaged');
    const options = { ...defaults, remove: false, command: ['true'] };
    const created = await createContainer(roots, { image, options });
    const running = await stage.start(['sleep', '1000'], { remove: false }, image);
    const manifest = blobFile(roots, image.manifestDigest as Digest);
    for (const id of [created.id, running.id]) {
      writeFileSync(manifest, '{}');
      await collectImages(roots, everything, { dryRun: false });
      for (const layer of image.layers) t.ok(existsSync(layer), layer);
      await removeContainer(roots, findContainer(roots, id), { force: true });
    }
    await collectImages(roots, everything, { dryRun: false });
    t.notOk(existsSync(image.layers[0] ?? ''), 'then nobody needs it');
  });

  await t.test('image rm: an image without a name that a container needs', async (t) => {
    const image = await own('unnamed');
    const options = { ...defaults, remove: false, command: ['true'] };
    const { id } = await createContainer(roots, { image, options });
    await tagImage(roots, image.name, 'moving:1');
    await removeImage(roots, image.name, imageUser(roots));
    await tagImage(roots, stage.image.name, 'moving:1');
    await removeImage(roots, 'moving:1', imageUser(roots));
    t.ok(readNames(roots).manifests.includes(image.manifestDigest));
    for (const layer of image.layers) t.ok(existsSync(layer), layer);
    await removeContainer(roots, findContainer(roots, id), { force: true });
  });

  for (const verb of ['image gc', 'prune'] as const) {
    await t.test(`${verb}: what the dead were at goes`, async (t) => {
      const { sessions, index } = storePaths(roots);
      // After that there is nothing that the index would be written for.
      await removers[verb]();
      mkdirSync(path.join(sessions, '1-x-0', 'layer'), { recursive: true });
      writeFileSync(path.join(sessions, '1-x-0.lock'), '');
      for (const name of ['layer-dead', 'layer-alive']) writeFileSync(path.join(locks, name), '');
      const torn = `${index}.1.0.tmp`;
      writeFileSync(torn, '{');
      const alive = await FileLock.take(path.join(locks, 'layer-alive'));
      await removers[verb]();
      t.strictSame(readdirSync(sessions), []);
      t.notOk(existsSync(torn), 'half an index');
      t.strictSame(readdirSync(locks).sort(), ['index', 'layer-alive', 'store']);
      alive.discard();
    });
  }
});
