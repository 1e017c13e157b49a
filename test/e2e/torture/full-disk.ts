import type { Test } from 'tap';
import { findContainer } from '../../../src/containerizer/container/catalogue.js';
import { createContainer } from '../../../src/containerizer/container/create.js';
import { removeContainer } from '../../../src/containerizer/container/remove.js';
import { defaults, type Stage } from '../../container/stage.js';
import type { Disk } from './disk.js';
import { killIfThere } from './scene.js';

/** What a full disk must not take away; each was found by a round. */
export const fullDisk: Record<string, (t: Test, stage: Stage, disks: readonly Disk[]) => Promise<void>> = {
  'the status of a program that ends while the disk is full is kept': async (t, stage, disks) => {
    const script = 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done';
    const ran = stage.berth('run', '-d', '--name', 'ends', stage.image.reference, 'sh', '-c', script);
    t.equal(ran.status, 0, ran.stderr);
    while (!stage.berth('logs', 'ends').stdout.includes('ready'));
    for (const disk of disks) disk.fill();
    t.equal(stage.berth('kill', '-s', 'TERM', 'ends').status, 0);
    t.match(stage.berth('wait', 'ends'), { status: 0, stdout: '7\n' });
    t.match(findContainer(stage.roots, 'ends').exit, { status: 7, signal: null });
    t.match(stage.berth('rm', 'ends'), { status: 0 }, 'removing takes no room');
    for (const disk of disks) disk.empty();
  },
  'a killed supervisor is told as such while the disk is full, and after': async (t, stage, disks) => {
    const ran = stage.berth('run', '-d', '--name', 'lost', stage.image.reference, 'sleep', '1000');
    t.equal(ran.status, 0, ran.stderr);
    const supervisor = findContainer(stage.roots, 'lost').process?.supervisor.pid ?? -1;
    for (const disk of disks) disk.fill();
    killIfThere(supervisor);
    t.match(stage.berth('wait', 'lost'), { status: 0, stdout: '137\n' });
    for (const disk of disks) disk.empty();
    t.match(findContainer(stage.roots, 'lost'), { state: 'exited', exit: { status: 137, reason: String } });
    t.equal(stage.berth('rm', 'lost').status, 0);
  },
  'room is made by removing images, which takes none': async (t, stage, disks) => {
    const extra = await stage.makeImage([{ name: 'extra', type: 'file', content: Buffer.alloc(1 << 20, 1) }]);
    for (const disk of disks) disk.fill();
    const free = disks.reduce((sum, disk) => sum + disk.free, 0);
    const ran = stage.berth('image gc', '--unused-for', '0s', '--keep', stage.image.name);
    t.match(ran, { status: 0, stdout: new RegExp(extra.name) }, ran.stderr);
    t.ok(disks.reduce((sum, disk) => sum + disk.free, 0) >= free + (1 << 20));
    for (const disk of disks) disk.empty();
    for (const words of [['rm'], ['prune', '-a', '-f']]) {
      const content = Buffer.alloc(1 << 20, words[0]);
      const other = await stage.makeImage([{ name: 'extra', type: 'file', content }]);
      const { id } = await createContainer(stage.roots, {
        image: stage.image,
        options: { ...defaults, remove: false, command: ['true'] },
      });
      for (const disk of disks) disk.fill();
      const removed = stage.berth(`image ${words.join(' ')}`, ...(words[0] === 'rm' ? [other.name] : []));
      t.match(removed, { status: 0, stdout: new RegExp(other.name) }, removed.stderr);
      for (const disk of disks) disk.empty();
      await removeContainer(stage.roots, findContainer(stage.roots, id), { force: true });
    }
    t.equal(stage.berth('run', '--rm', stage.image.reference, 'true').status, 0);
  },
  'a launch that finds no room says so and leaves nothing': async (t, stage, disks) => {
    for (const disk of disks) disk.fill();
    const refused = stage.berth('run', '--name', 'none', stage.image.reference, 'true');
    t.match(refused, { status: 125, stderr: /^berth: .*no space (is )?left on/i });
    t.equal(stage.berth('ps', '-a', '-q').stdout, '');
    for (const disk of disks) disk.empty();
    t.equal(stage.berth('run', '--rm', '--name', 'none', stage.image.reference, 'true').status, 0);
  },
};
