import { existsSync, lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import { commitContainer } from '../../src/containerizer/container/commit.js';
import { copyFiles } from '../../src/containerizer/container/copy.js';
import { exportContainer } from '../../src/containerizer/container/export.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import type { Attack } from './attack.js';
import type { Scene } from './scene.js';

/** What an administrator reads from a container, or writes into one. */
export const files: readonly Attack[] = [
  {
    family: 'files in and out',
    name: 'a file is copied out from behind a link of the container to the host',
    known: ['CVE-2018-15664', 'CVE-2019-10152'],
    defence: 'copy-inside',
    stopped: 'PATH_NOT_FOUND',
    attempt: (scene) =>
      prepared(scene, `ln -s ${scene.canary} /out`, async (id) => {
        const file = path.join(scene.fresh('got'), 'file');
        await copy(scene, outOf(id, '/out/secret'), onHost(file));
        return taken(scene, file);
      }),
  },
  {
    family: 'files in and out',
    name: 'a file is copied in to behind a link of the container to the host',
    known: ['CVE-2018-15664', 'CVE-2025-9566'],
    defence: 'copy-inside',
    stopped: 'PATH_NOT_FOUND',
    attempt: (scene) =>
      prepared(scene, `ln -s ${scene.canary} /in`, async (id) => {
        await copy(scene, onHost(payload(scene)), outOf(id, '/in/planted'));
        return undefined;
      }),
  },
  {
    family: 'files in and out',
    name: 'a task swaps folder and link for ever while files are copied in and out',
    known: ['CVE-2018-15664'],
    defence: 'copy-inside',
    stopped: 'harmless',
    attempt: raceForTheCopy,
  },
  {
    family: 'files in and out',
    name: 'a set-user-id program of the container becomes one of root on the host',
    known: [],
    defence: 'set-id-of-copies',
    stopped: 'harmless',
    attempt: (scene) =>
      prepared(scene, 'cp /bin/busybox /trap; chown 1000:1000 /trap; chmod 4755 /trap', async (id) => {
        const file = path.join(scene.fresh('got'), 'trap');
        await copy(scene, outOf(id, '/trap'), onHost(file));
        const { mode, uid } = statSync(file);
        return (mode & 0o6000) === 0 ? undefined : `mode ${mode.toString(8)}, owner ${uid}`;
      }),
  },
  {
    family: 'files in and out',
    name: 'who exports a container follows its link to a file of the host',
    known: ['CVE-2023-0778'],
    defence: 'paths-in-trees',
    stopped: 'harmless',
    attempt: (scene) =>
      prepared(scene, `ln -s ${scene.canary}/secret /leak`, async (id) => {
        const archive = path.join(scene.fresh('got'), 'archive');
        await exportContainer(scene.stage.roots, findContainer(scene.stage.roots, id), archive);
        return taken(scene, archive);
      }),
  },
  {
    family: 'files in and out',
    name: 'who commits a container makes a file of the host part of the image, by a link',
    known: ['CVE-2023-0778'],
    defence: 'paths-in-trees',
    stopped: 'harmless',
    attempt: (scene) =>
      prepared(scene, `ln -s ${scene.canary}/secret /leak`, async (id) => {
        const { roots } = scene.stage;
        const name = `committed:${path.basename(scene.canary)}`;
        await commitContainer(roots, findContainer(roots, id), {
          name,
          changes: [],
          author: undefined,
          message: undefined,
          pause: false,
          compression: 'none',
          onProgress: () => {},
        });
        const [layer = ''] = (await provideImage(roots, name)).layers;
        const leak = path.join(layer, 'leak');
        return lstatSync(leak).isFile() ? taken(scene, leak) : undefined;
      }),
  },
];

const onHost = (file: string) => ({ kind: 'host', path: file }) as const;
const outOf = (container: string, file: string) => ({ kind: 'container', container, path: file }) as const;

function copy(
  scene: Scene,
  ...[from, to]: [Parameters<typeof copyFiles>[1], Parameters<typeof copyFiles>[2]]
) {
  return copyFiles(scene.stage.roots, from, to, { archive: false, followLink: false, onProgress: () => {} });
}

function payload(scene: Scene): string {
  const file = path.join(scene.fresh('payload'), 'planted');
  writeFileSync(file, 'planted');
  return file;
}

/** What came out, if it is the host's. */
function taken({ secret }: Scene, file: string): string | undefined {
  const text = existsSync(file) ? readFileSync(file, 'latin1') : '';
  return text.includes(secret) ? "the host's secret" : undefined;
}

/** A container, with the ids of the host so that no owner stands in the way, that has done its deed. */
async function prepared<T>(
  scene: Scene,
  deed: string,
  act: (id: string) => Promise<T>,
  image = scene.stage.image,
): Promise<T> {
  const { stage } = scene;
  const container = await stage.start(
    ['sh', '-c', `${deed}; touch /ready; exec sleep 60`],
    { userns: 'host' },
    image,
  );
  try {
    const ready = path.join(scene.fresh('ready'), 'file');
    while (!existsSync(ready)) {
      await copy(scene, outOf(container.id, '/ready'), onHost(ready)).catch((error: unknown) => {
        if (findContainer(stage.roots, container.id).state !== 'running') throw error;
      });
    }
    return await act(container.id);
  } finally {
    container.signal(9);
    await container.ended;
    await container.gone;
  }
}

const lostAfter = 25;
const wonWithinMilliseconds = 60_000;

async function raceForTheCopy(scene: Scene): Promise<string | undefined> {
  const { canary } = scene;
  const image = await scene.attackersImage();
  const planted = payload(scene);
  const file = path.join(scene.fresh('got'), 'file');
  const deed = `mkdir /spot; echo own >/spot/secret; ln -s ${canary} /link; { attacker flip /spot /link & }`;
  return prepared(
    scene,
    deed,
    async (id) => {
      const weak = process.env['BERTH_WEAKNESS'] !== undefined;
      const until = Date.now() + wonWithinMilliseconds;
      for (let round = 0; weak ? Date.now() < until : round < lostAfter; ++round) {
        // Where the path leads nowhere at that moment, the copy is refused.
        await copy(scene, outOf(id, '/spot/secret'), onHost(file)).catch(() => undefined);
        await copy(scene, onHost(planted), outOf(id, '/spot/')).catch(() => undefined);
        const got = taken(scene, file) ?? scene.damage();
        if (got !== undefined) return got;
      }
      return undefined;
    },
    image,
  );
}
