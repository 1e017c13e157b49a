import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { removeVolume } from '../../src/containerizer/container/volume-users.js';
import { defaults } from '../container/stage.js';
import type { Attack } from './attack.js';
import type { Scene } from './scene.js';

const volume = (source: string, target: string, readonly = false) => ({
  source,
  target,
  readonly,
  recursive: false,
  idmap: true,
});

/** With the ids of the host, so that no owner stands in the way where a path should. */
const asRoot = { userns: 'host' as const };

export const paths: readonly Attack[] = [
  {
    family: 'paths in the root',
    name: 'the mount point of a volume lies behind a link of the image to the host',
    known: ['CVE-2015-3629', 'CVE-2021-30465', 'CVE-2024-45310'],
    defence: 'rooted-paths',
    stopped: 'harmless',
    attempt: async ({ stage, canary }) => {
      const image = await stage.makeImage([{ name: 'srv', type: 'symlink', link: canary }]);
      const volumes = [volume(path.join(canary, 'file'), '/srv/planted/file')];
      await stage.run(['true'], { ...asRoot, volumes }, image);
      return undefined;
    },
  },
  {
    family: 'paths in the root',
    name: 'the working directory lies behind a link of the image to the host, and is made',
    known: ['CVE-2024-45310'],
    defence: 'rooted-paths',
    stopped: 'harmless',
    attempt: async ({ stage, canary }) => {
      const image = await stage.makeImage([
        { name: 'srv', type: 'symlink', link: `${'../'.repeat(20)}${canary}` },
      ]);
      await stage.run(['true'], { ...asRoot, workingDirectory: '/srv/planted' }, image);
      return undefined;
    },
  },
  {
    family: 'paths in the root',
    name: 'a new volume is filled with what lies at its place, which is a link of the image to the host',
    known: ['CVE-2022-23648'],
    defence: 'rooted-paths',
    stopped: 'harmless',
    attempt: async ({ stage, canary, secret }) => {
      const image = await stage.makeImage([{ name: 'data', type: 'symlink', link: canary }]);
      const name = path.basename(canary);
      const namedVolumes = [{ name, target: '/data', readonly: false, copy: true }];
      try {
        await stage.run(['true'], { ...asRoot, namedVolumes }, image);
        const filled = await stage.sh('cat /data/secret', { ...asRoot, namedVolumes });
        return filled.includes(secret) ? `the host's file in the volume: ${filled}` : undefined;
      } finally {
        removeVolume(stage.roots, name);
      }
    },
  },
  {
    family: 'paths in the root',
    name: 'a task swaps folder and link in a volume while another that shares it starts',
    known: ['CVE-2021-30465', 'CVE-2024-45310', 'CVE-2025-52565'],
    defence: 'rooted-paths',
    stopped: 'harmless',
    attempt: raceForTheMountPoint,
  },
  {
    family: 'paths in the root',
    name: 'a volume over /dev has a link to the host in the place of its null device, which hides what is masked',
    known: ['CVE-2025-31133', 'CVE-2025-62161', 'CVE-2026-88265'],
    defence: 'null-device',
    stopped: 'harmless',
    attempt: async (scene) => {
      const folder = scene.fresh('dev');
      symlinkSync(path.join(scene.canary, 'secret'), path.join(folder, 'null'));
      // Only if the image's own is not looked for; anything else there would do for the rest of /dev.
      const ran = await scene.stage.sh('cat /proc/interrupts', {
        ...asRoot,
        volumes: [volume(folder, '/dev')],
      });
      return ran.includes(scene.secret) ? `the host's file: ${ran}` : undefined;
    },
  },
  {
    family: 'paths in the root',
    name: 'a mount that is read-only is written to: the host folder of a volume',
    known: ['CVE-2023-25809'],
    defence: 'readonly-mounts',
    stopped: 'harmless',
    attempt: async ({ stage, canary }) => {
      const volumes = [volume(canary, '/data', true)];
      await stage.sh('echo planted >/data/planted', { ...asRoot, volumes });
      return undefined;
    },
  },
];

/** How long a race is run that should be lost, and how long one that should be won may take. */
const lostAfterMilliseconds = 2500;
const wonWithinMilliseconds = 60_000;

async function raceForTheMountPoint(scene: Scene): Promise<string | undefined> {
  const { stage, canary } = scene;
  const shared = scene.fresh('shared');
  mkdirSync(path.join(shared, 'spot'));
  symlinkSync(canary, path.join(shared, 'link'));
  const source = path.join(shared, 'source');
  writeFileSync(source, '');
  const sharing = volume(shared, '/shared');
  const image = await scene.attackersImage();
  const flipper = await stage.start(
    ['attacker', 'flip', '/shared/spot', '/shared/link'],
    { ...asRoot, volumes: [sharing] },
    image,
  );
  try {
    const weak = process.env.BERTH_WEAKNESS !== undefined;
    const until = Date.now() + (weak ? wonWithinMilliseconds : lostAfterMilliseconds);
    const planted = path.join(canary, 'planted');
    for (let round = 0; Date.now() < until && !existsSync(planted); ++round) {
      const target = `/shared/spot/planted/${round}`;
      const options = { ...defaults, ...asRoot, volumes: [sharing, volume(source, target)] };
      // Where the path is no folder at that moment, the start is refused.
      await stage.run(['true'], options).catch(() => undefined);
    }
  } finally {
    flipper.signal(9);
    await flipper.ended;
  }
  return undefined;
}
