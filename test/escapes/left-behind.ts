import { type Attack, reached } from './attack.js';
import type { Scene } from './scene.js';

/** What a container could find of the one before it, whose directories and overlay it was handed. */
export const leftBehind: readonly Attack[] = [
  {
    family: 'left behind',
    name: 'a container reads what the one before it, whose directories it was handed, has written',
    known: [],
    defence: 'untouched-spare',
    stopped: 'harmless',
    attempt: (scene) => after(scene, 'echo secret >/left', 'cat /left && rm /left'),
  },
  {
    family: 'left behind',
    name: 'its root folder is open to everybody, as the one before it has left that',
    known: [],
    defence: 'untouched-spare',
    stopped: 'harmless',
    attempt: (scene) => after(scene, 'chmod 777 /', 'stat -c %a / | grep 777 && chmod 755 /'),
  },
];

/** What the second of two containers prints, which also puts right what it finds: others follow. */
async function after({ stage }: Scene, first: string, second: string): Promise<string | undefined> {
  await stage.sh(first);
  return reached(await stage.sh(`{ ${second}; } 2>/dev/null`));
}
