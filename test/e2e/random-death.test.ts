import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import {
  type Container,
  listContainers,
  readContainer,
} from '../../src/containerizer/container/catalogue.js';
import { removeDebris } from '../../src/containerizer/container/debris.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { sweepShared } from '../../src/containerizer/container/shared-sweep.js';
import { waitForExit } from '../../src/containerizer/container/wait.js';
import { Journal } from '../../src/containerizer/events/journal.js';
import { BerthError } from '../../src/errors/berth-error.js';
import type { Roots } from '../../src/state/roots.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { leaksSince } from '../leaks/audit.js';
import { takeInventory } from '../leaks/inventory.js';

const rounds = 15;

/** Numbers from 0 to 1 that the seed decides (xorshift32). */
function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** BERTH_TEST_SEED=N repeats the victims and moments of a run; what happens then is still up to the scheduler. */
t.test('kill -9 of anybody at any moment', unlessRoot, async (t) => {
  const seed = Number(process.env.BERTH_TEST_SEED ?? Date.now() % 2 ** 31);
  t.comment(`BERTH_TEST_SEED=${seed}`);
  const random = randomFrom(seed);
  const stage = await Stage.open(t);
  const reference = stage.image.reference;
  // What was launched once is launched without Node from then on, unless it has a name.
  for (const flags of [[], ['--rm'], ['-d'], ['-d', '--rm']]) stage.berth('run', ...flags, reference, 'true');
  for (const container of listContainers(stage.roots)) {
    await waitForExit(stage.roots, container);
    await removeContainer(stage.roots, container, { force: true });
  }
  const only = (): Container | undefined => listContainers(stage.roots)[0];

  for (let round = 0; round < rounds; round++) {
    const before = takeInventory(stage.mustBeEmpty());
    const victim =
      (['launcher', 'launcher', 'supervisor', 'payload'] as const)[Math.floor(random() * 4)] ?? 'launcher';
    const flags = [
      ...(random() < 0.5 ? ['--rm'] : []),
      ...(random() < 0.5 ? ['-d'] : []),
      ...(random() < 0.5 ? ['--name', 'victim'] : []),
    ];
    // A launcher dies anywhere in its start, launch or wait; the others once they are there.
    const launch = flags.includes('--name') ? 60 + random() * 120 : random() * 60;
    const moment = victim === 'launcher' ? launch : random() * 15;
    const what = `round ${round}: ${victim} of berth run ${flags.join(' ')} after ${moment.toFixed(1)} ms`;

    const child = stage.spawn('run', ...flags, reference, 'sh', '-c', 'echo up; sleep 0.4; exit 3');
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.stdout?.resume();
    child.stderr?.resume();
    if (victim === 'launcher') {
      await sleep(moment);
      child.kill('SIGKILL');
    } else {
      let pids = only()?.process;
      while (pids === undefined && child.exitCode === null) {
        await sleep(1);
        pids = only()?.process;
      }
      await sleep(moment);
      killIfThere((victim === 'supervisor' ? pids?.supervisor.pid : pids?.task.pid) ?? -1);
    }
    // Whoever is left is waited for as a user would, and removed.
    for (const container of listContainers(stage.roots)) {
      const status = container.state === 'created' ? 0 : (await waitForExit(stage.roots, container)).status;
      const expected = victim === 'launcher' ? [0, 3, 137] : [3, 137];
      t.ok(expected.includes(status), `${what}: status ${status} of ${container.state}`);
    }
    await gone;
    for (const container of listContainers(stage.roots)) {
      await removeAtLast(stage.roots, container.document.id).catch((error: Error) => {
        throw new Error(`${what}: ${error.message}`);
      });
    }
    // As every rm and ps does: what a launcher left that was killed before there was a record.
    t.ok(removeDebris(stage.roots));
    sweepShared(stage.roots);
    t.strictSame(await leaksSince(before, stage.mustBeEmpty(), stage.mine), [], what);
    // The name is free again, whatever happened to who had it.
    if (flags.includes('victim') && round % 3 === 0)
      t.equal((await stage.run(['true'], { name: 'victim' })).exit.status, 0);
  }

  // Whoever was killed, what became of each container was told once.
  const journal = new Journal(stage.roots);
  const told: Record<string, string[]> = {};
  for (const { type, id, action } of journal.events())
    if (type === 'container') told[id] = [...(told[id] ?? []), action];
  for (const [id, actions] of Object.entries(told)) {
    const lives = ['create', 'start', 'die', 'destroy'].map(
      (each) => actions.filter((one) => one === each).length,
    );
    t.strictSame(lives, [1, 1, 1, 1], `${id}: ${actions.join(' ')}`);
  }
  journal.close();
});

/** A launcher that was killed leaves a supervisor that may be about to bring its container to life: rm says so, and to try again. */
async function removeAtLast(roots: Roots, id: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const container = readContainer(roots, id);
    if (container === undefined) return;
    try {
      return await removeContainer(roots, container, { force: true });
    } catch (error) {
      if (!(error instanceof BerthError) || error.code !== 'CONTAINER_STATE' || tries === 300) throw error;
      await sleep(100);
    }
  }
}

function killIfThere(pid: number): void {
  if (pid <= 0) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
