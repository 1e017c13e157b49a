import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Stage, unlessRoot } from '../container/stage.js';
import { busyboxEntries } from '../fixtures/busybox-image.js';
import { layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { Disk } from './torture/disk.js';
import { torture } from './torture/frame.js';
import { fullDisk } from './torture/full-disk.js';
import { rounds as acts } from './torture/rounds.js';
import { Scene } from './torture/scene.js';

const loop = existsSync('/dev/loop-control') ? {} : { skip: 'loop devices: a disk of its own to fill' };

/** `./dev torture` */
const what = 'kill -9 of anybody at any moment, on disks that fill up';
const unless = { ...loop, ...unlessRoot };
await torture({ url: import.meta.url, what, usual: 8, unless }, async (t, random, rounds) => {
  const folder = mkdtempSync('/var/tmp/berth-torture-');
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const disks = [Disk.ext4(folder, 'disk', 96), Disk.memory(folder, 'run', 4)] as const;
  t.teardown(() => {
    for (const disk of disks) disk.unmount();
  });
  const [disk, run] = disks;
  const stage = await Stage.open(t, disk.point, run.point);
  const extra = [
    { name: 'extra', content: 'more\n' },
    { name: 'large', content: 'x'.repeat(4 << 20) },
  ];
  const layers = [{ tar: await layerTar(busyboxEntries()) }, { tar: await layerTar(extra) }];
  const { reference } = writeImage(path.join(folder, 'other'), {
    layers,
    config: { Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'] },
  });
  execFileSync('tar', ['-C', path.join(folder, 'other'), '-cf', path.join(stage.folder, 'other.tar'), '.']);
  t.comment(reference);
  for (const [name, test] of Object.entries(fullDisk)) {
    await t.test(name, (t) => test(t, stage, disks).finally(() => disks.map((each) => each.empty())));
  }
  // What was launched once is launched without Node from then on, unless it has a name.
  for (const flags of [['--rm'], ['-d', '--rm']]) stage.berth('run', ...flags, stage.image.reference, 'true');
  const scene = new Scene(t, stage, random, disks);
  for (let round = 0; round < rounds; round++) {
    const act = scene.random.pick(acts);
    await scene.round(async () => {
      scene.say(`round ${round}:`);
      await act(scene);
    });
    if (rounds > 50 && round % 10 === 9) spawnSync('sync');
  }
});
