import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import { type ExecOptions, execInContainer } from '../../src/containerizer/container/exec.js';
import type { RunningContainer } from '../../src/containerizer/container/launch.js';
import type { ContainerOptions } from '../../src/containerizer/container/options.js';
import type { ProvidedImage } from '../../src/containerizer/image/provide.js';
import { type Attack, reached } from './attack.js';
import { climb, overwrite, supervisorOf } from './descriptors.js';
import type { Scene } from './scene.js';

const asRoot = { userns: 'host' as const };

/** What a program that is sent into a container could be robbed of, or take along. */
export const sentIn: readonly Attack[] = [
  {
    family: 'programs sent in',
    name: "a descriptor of exec's is left open to the program",
    known: ['CVE-2024-21626', 'CVE-2016-9962'],
    defence: 'closed-descriptors',
    stopped: 'harmless',
    attempt: (scene) =>
      inside(scene, asRoot, async (send) =>
        reached(await send('for n in 3 4 5 6 7 8 9; do readlink /proc/$$/fd/$n; done')),
      ),
  },
  {
    family: 'programs sent in',
    name: 'its working directory is one that exec has open: /proc/self/fd/N',
    known: ['CVE-2024-21626'],
    defence: 'inside-directory',
    stopped: 'harmless',
    attempt: (scene) =>
      inside(scene, asRoot, async (send) => {
        for (let fd = 3; fd < 24; ++fd) {
          const text = await send(climb(scene.canary), { workingDirectory: `/proc/self/fd/${fd}` }).catch(
            () => '',
          );
          if (text !== '') return `by descriptor ${fd}: ${text}`;
        }
        return undefined;
      }),
  },
  {
    family: 'programs sent in',
    name: 'the program that sends it in is overwritten by way of /proc/PID/exe',
    known: ['CVE-2019-5736'],
    defence: 'sealed-program',
    stopped: 'harmless',
    attempt: overwriteTheSender,
  },
  {
    family: 'programs sent in',
    name: 'it is looked at, and so could be changed, before it is the program that it is to be',
    known: ['CVE-2016-9962', 'CVE-2022-1227'],
    defence: 'undumpable',
    stopped: 'harmless',
    attempt: watchPrograms,
  },
  {
    family: 'programs sent in',
    name: 'it inherits capabilities for files to turn into permitted ones',
    known: ['CVE-2022-29162', 'CVE-2022-27649'],
    defence: 'inheritable-capabilities',
    stopped: 'harmless',
    attempt: (scene) =>
      inside(scene, {}, async (send) =>
        reached(/^CapInh:\t0*([0-9a-f]*)$/m.exec(await send('cat /proc/self/status'))?.[1] ?? 'no such line'),
      ),
  },
  {
    family: 'programs sent in',
    name: 'a set-user-id program makes an ordinary user root, who was sent in',
    known: [],
    defence: 'no-new-privileges',
    stopped: 'harmless',
    attempt: async (scene) => {
      const image = await scene.attackersImage(0o4755);
      const attempt = (send: Send) => send('attacker root', { user: '1000:1000' });
      return inside(scene, { seccomp: 'unconfined' }, async (send) => reached(await attempt(send)), image);
    },
  },
  {
    family: 'programs sent in',
    name: 'it is under no filter of system calls, and makes a user namespace',
    known: ['CVE-2022-0492', 'CVE-2022-0185'],
    defence: 'system-call-filter',
    stopped: 'harmless',
    attempt: async (scene) =>
      inside(
        scene,
        {},
        async (send) => reached(await send('attacker unshare')),
        await scene.attackersImage(),
      ),
  },
  {
    family: 'programs sent in',
    name: 'it is under none of the limits of the container',
    known: [],
    defence: 'limits-of-exec',
    stopped: 'harmless',
    attempt: (scene) =>
      inside(scene, { pidsLimit: mostProcesses }, async (send) => {
        const many = `for n in $(seq ${2 * mostProcesses}); do sleep 2 & done; jobs -p | wc -l`;
        const started = Number((await send(many)).split('\n').at(-1));
        return started > mostProcesses ? `${started} processes` : undefined;
      }),
  },
  {
    family: 'programs sent in',
    name: 'its user is looked up in a fifo that the container has put in the place of /etc/passwd',
    known: ['CVE-2024-9676', 'CVE-2022-1227'],
    defence: 'plain-account-files',
    stopped: 'USER_UNKNOWN',
    attempt: async (scene) => {
      const folder = scene.fresh('accounts');
      execFileSync('mkfifo', [path.join(folder, 'passwd')]);
      const writer = 'exec 3<>/etc/own/passwd; echo planted:x:0:0::/:/bin/sh >&3; exec sleep 60';
      const volumes = [
        { source: folder, target: '/etc/own', readonly: false, recursive: false, idmap: true },
      ];
      const image = await scene.stage.makeImage([
        { name: 'etc/passwd', type: 'symlink', link: 'own/passwd' },
      ]);
      return inside(
        scene,
        { volumes },
        async (send) => `${await send('grep ^Uid /proc/self/status', { user: 'planted' })} by a fifo`,
        image,
        ['sh', '-c', writer],
      );
    },
  },
];

const mostProcesses = 10;

const options: ExecOptions = {
  command: [],
  env: [],
  terminal: false,
  input: false,
  privileged: false,
};

/** Runs a shell script in the container and gives what it printed. */
type Send = (script: string, more?: Partial<ExecOptions>) => Promise<string>;

async function inside<T>(
  scene: Scene,
  containerOptions: Partial<ContainerOptions>,
  act: (send: Send, container: RunningContainer) => Promise<T>,
  image?: ProvidedImage,
  command = ['sleep', '60'],
): Promise<T> {
  const { stage } = scene;
  const container = await stage.start(command, containerOptions, image);
  const send: Send = async (script, more = {}) => {
    const file = path.join(scene.fresh('sent'), 'out');
    const stdout = openSync(file, 'ax');
    try {
      const program = await execInContainer(stage.roots, findContainer(stage.roots, container.id), {
        options: { ...options, command: ['sh', '-c', script], ...more },
        client: { stdout, stderr: stdout },
      });
      await program.ended;
      await program.gone;
      return readFileSync(file, 'utf8').trimEnd();
    } finally {
      closeSync(stdout);
      rmSync(file);
    }
  };
  try {
    return await act(send, container);
  } finally {
    container.signal(9);
    await container.ended;
    await container.gone;
  }
}

/** Supervisors share one copy of their program: it can only be tried once none runs any more. */
async function overwriteTheSender({ stage }: Scene): Promise<string | undefined> {
  const container = await stage.start(['sleep', '60']);
  const program = await execInContainer(stage.roots, findContainer(stage.roots, container.id), {
    options: { ...options, command: ['sleep', '60'] },
    client: null,
  });
  return overwrite(supervisorOf(program.pid), async () => {
    container.signal(9);
    await Promise.all([container.gone, program.gone]);
  });
}

const lostAfter = 8;
const wonWithinMilliseconds = 90_000;

/** A task that looks at whoever comes, at every moment, against programs that are sent in. It may see those that are what they are to be. */
async function watchPrograms(scene: Scene): Promise<string | undefined> {
  const weak = process.env['BERTH_WEAKNESS'] !== undefined;
  const image = await scene.attackersImage();
  return inside(
    scene,
    asRoot,
    async (send, container) => {
      let seen = false;
      const ended = container.ended.then(({ status }) => {
        seen = status === 0;
      });
      const until = Date.now() + wonWithinMilliseconds;
      for (let round = 0; !seen && (weak ? Date.now() < until : round < lostAfter); ++round) {
        await send(':').catch(async (error: unknown) => {
          // It ends when it has seen what it looks for, and whoever is being sent in with it.
          await Promise.race([ended, sleep(30_000, undefined, { ref: false })]);
          if (!seen) throw error;
        });
      }
      return seen ? 'a process of the host' : undefined;
    },
    image,
    ['attacker', 'watch'],
  );
}
