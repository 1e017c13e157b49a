import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Stage, unlessRoot } from '../container/stage.js';
import { HurtCluster } from './torture/hurt-cluster.js';
import { Random } from './torture/random.js';

const mark = 'BERTH_TEST_CLUSTER_TORTURE';
const count = Number(process.env.BERTH_TORTURE_ROUNDS ?? 8);

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
  /** `./dev torture --cluster ROUNDS --seed N` repeats the choices of a run. */
  await t.test('kill -9 of agent, master, supervisors and tasks at any moment', { timeout: 0 }, async (t) => {
    const seed = Number(process.env.BERTH_TEST_SEED ?? Date.now() % 2 ** 31);
    t.comment(`BERTH_TEST_SEED=${seed}`);
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
    const stage = await Stage.open(t);
    const cluster = new HurtCluster(t, stage, new Random(seed));
    t.teardown(() => cluster.close());
    for (let round = 0; round < count; round++) await cluster.round(round);
  });
}
