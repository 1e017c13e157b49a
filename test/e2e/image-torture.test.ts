import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Stage, unlessRoot } from '../container/stage.js';
import { DockerRegistry } from '../registry/docker-registry.js';
import { ImageScene } from './torture/image-scene.js';
import { Random } from './torture/random.js';

const mark = 'BERTH_TEST_IMAGE_TORTURE';
const count = Number(process.env.BERTH_TORTURE_ROUNDS ?? 3);

/** Ports, links and mounts are this process's own, and gone with it. */
if (process.env[mark] === undefined) {
  await t.test('on a host of its own', unlessRoot, (t) =>
    t.spawn(
      'unshare',
      ['--net', '--mount', '--propagation', 'private', process.execPath, fileURLToPath(import.meta.url)],
      { env: { ...process.env, [mark]: '1' }, timeout: 110_000 + count * 20_000 },
      'torture',
    ),
  );
} else {
  /** `./dev torture --images ROUNDS --seed N` repeats the choices of a run; what happens then is still up to the scheduler. */
  await t.test('kill -9 of whoever is at the store, at any moment', { timeout: 0 }, async (t) => {
    const seed = Number(process.env.BERTH_TEST_SEED ?? Date.now() % 2 ** 31);
    t.comment(`BERTH_TEST_SEED=${seed}`);
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
    const stage = await Stage.open(t);
    const registry = await DockerRegistry.start(t, path.join(stage.folder, 'registry'));
    const scene = await ImageScene.open(t, stage, registry, new Random(seed));
    for (let round = 0; round < count; round++) await scene.round(round, round % 2 === 1);
    t.comment(JSON.stringify(scene.counts));
  });
}
