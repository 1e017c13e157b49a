import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { launchContainer } from '../../src/containerizer/container/launch.js';
import { defaults } from '../container/stage.js';
import type { Attack } from './attack.js';
import type { Scene } from './scene.js';

/** The terminal of whoever runs a container: its keys, its settings, what is shown on it. */
export const terminals: readonly Attack[] = [
  {
    family: 'terminals',
    name: 'a program gets hold of the terminal of whoever runs it, to change it or to type in it',
    known: ['CVE-2017-5226', 'CVE-2016-2779'],
    defence: 'own-streams',
    stopped: 'harmless',
    attempt: changeTheTerminal,
  },
];

const script = 'for n in 0 1 2; do stty rows 13 columns 17 <&$n; done 2>/dev/null; true';

async function changeTheTerminal({ stage }: Scene): Promise<string | undefined> {
  const holder = spawn(
    'python3',
    ['-c', 'import os, sys\nm, s = os.openpty()\nprint(os.ttyname(s), flush=True)\nsys.stdin.read()'],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const [name] = (await once(holder.stdout, 'data')) as [Buffer];
  const terminal = openSync(name.toString().trim(), constants.O_RDWR | constants.O_NOCTTY);
  const size = () =>
    spawnSync('stty', ['size'], { stdio: [terminal, 'pipe', 'inherit'], encoding: 'utf8' }).stdout.trim();
  try {
    spawnSync('stty', ['rows', '24', 'columns', '80'], { stdio: [terminal, 'ignore', 'inherit'] });
    for (const own of [false, true]) {
      const container = await launchContainer(stage.roots, {
        image: stage.image,
        options: { ...defaults, userns: 'host', command: ['sh', '-c', script], input: true, terminal: own },
        client: { stdin: terminal, stdout: terminal, stderr: terminal },
      });
      await container.ended;
      await container.gone;
    }
    return size() === '24 80' ? undefined : `the terminal of the host is ${size()} now`;
  } finally {
    closeSync(terminal);
    holder.stdin.end();
    await once(holder, 'exit');
  }
}
