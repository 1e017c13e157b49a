import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { unlessRoot } from '../../container/stage.js';
import { Random } from './random.js';

const mark = 'BERTH_TEST_TORTURE';

export interface Torture {
  /** `import.meta.url` of the test. */
  url: string;
  what: string;
  /** Rounds, where `./dev torture` does not say how many. */
  usual: number;
  unless?: { skip?: string };
}

/** Tortures in a process whose ports, links and mounts are its own, and gone with it. `./dev torture --seed N` repeats the choices of a run; what happens then is still up to the scheduler. */
export async function torture(
  { url, what, usual, unless = unlessRoot }: Torture,
  run: (t: Test, random: Random, rounds: number) => Promise<void>,
): Promise<void> {
  const rounds = Number(process.env.BERTH_TORTURE_ROUNDS ?? usual);
  if (process.env[mark] === undefined) {
    const flags = ['--net', '--mount', '--propagation', 'private'];
    const env = { ...process.env, [mark]: '1' };
    await t.test('on a host of its own', unless, (t) =>
      t.spawn(
        'unshare',
        [...flags, process.execPath, fileURLToPath(url)],
        { env, timeout: 110_000 + rounds * 20_000 },
        'torture',
      ),
    );
    return;
  }
  await t.test(what, { timeout: 0 }, async (t) => {
    const seed = Number(process.env.BERTH_TEST_SEED ?? Date.now() % 2 ** 31);
    t.comment(`BERTH_TEST_SEED=${seed}`);
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
    await run(t, new Random(seed), rounds);
  });
}
