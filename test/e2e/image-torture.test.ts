import { readdirSync } from 'node:fs';
import path from 'node:path';
import { closeLayer } from '../../src/containerizer/image/open-layer.js';
import { storePaths } from '../../src/containerizer/image/store.js';
import { Stage } from '../container/stage.js';
import { DockerRegistry } from '../registry/docker-registry.js';
import { torture } from './torture/frame.js';
import { ImageScene } from './torture/image-scene.js';

/** `./dev torture --images` */
const what = 'kill -9 of whoever is at the store, at any moment';
await torture({ url: import.meta.url, what, usual: 3 }, async (t, random, rounds) => {
  const stage = await Stage.open(t);
  const registry = await DockerRegistry.start(t, path.join(stage.folder, 'registry'));
  const scene = await ImageScene.open(t, stage, registry, random);
  for (let round = 0; round < rounds; round++) await scene.round(round, round % 2 === 1);
  const { layers } = storePaths(stage.roots);
  for (const id of readdirSync(layers)) closeLayer(stage.roots, id);
  t.comment(JSON.stringify(scene.counts));
});
