import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import {
  type Container,
  listContainers,
  readContainer,
} from '../../../src/containerizer/container/catalogue.js';
import { removeContainer } from '../../../src/containerizer/container/remove.js';
import { waitForExit } from '../../../src/containerizer/container/wait.js';
import { collectGarbage } from '../../../src/containerizer/garbage/collect.js';
import { BerthError } from '../../../src/errors/berth-error.js';
import { native } from '../../../src/native/index.js';
import type { Stage } from '../../container/stage.js';
import { leaksSince } from '../../leaks/audit.js';
import { takeInventory } from '../../leaks/inventory.js';
import type { Disk } from './disk.js';
import type { Random } from './random.js';

/** How long something may take that has to come about. */
const patience = 60_000;

/** Where the rounds take place. */
export class Scene {
  /** What the round does, for its messages. */
  what = '';

  constructor(
    readonly t: Test,
    readonly stage: Stage,
    readonly random: Random,
    /** Of the root and of the volatile state. */
    readonly disks: readonly [Disk, Disk],
  ) {}

  say(text: string): void {
    this.what += ` ${text}`;
  }

  get containers(): Container[] {
    return listContainers(this.stage.roots, () => {});
  }

  /** Lets `child` be for some milliseconds, then kills it if it is still there, and waits for its end. */
  async killAfter(child: ChildProcess, moment: number): Promise<void> {
    const gone = once(child, 'exit');
    child.stdout?.resume();
    child.stderr?.resume();
    const timer = setTimeout(() => child.kill('SIGKILL'), moment);
    await gone;
    clearTimeout(timer);
  }

  /** Waits until it holds; false: it has not come about. */
  async comesAbout(holds: () => boolean): Promise<boolean> {
    for (const deadline = Date.now() + patience; Date.now() < deadline; await sleep(2)) {
      if (holds()) return true;
    }
    return false;
  }

  /** The only container, once it runs; undefined when `child`, who was to start it, has ended before. */
  async running(child: ChildProcess): Promise<Container | undefined> {
    const found = (): Container | undefined => this.containers.find(({ process }) => process !== undefined);
    await this.comesAbout(() => found() !== undefined || child.exitCode !== null);
    return found();
  }

  /** Waits for the end of what still runs, as a user would; gives the status of each. */
  async statuses(): Promise<{ state: string; status: number }[]> {
    const all = this.containers.filter(({ state }) => state !== 'created');
    return Promise.all(
      all.map(async (each) => ({
        state: each.state,
        status: (await waitForExit(this.stage.roots, each)).status,
      })),
    );
  }

  /** A launcher that was killed leaves a supervisor that may be about to bring its container to life: rm says so, and to try again. */
  async #remove({ document: { id } }: Container): Promise<void> {
    const { roots } = this.stage;
    for (const deadline = Date.now() + patience; ; await sleep(100)) {
      const container = readContainer(roots, id);
      if (container === undefined) return;
      try {
        return await removeContainer(roots, container, { force: true });
      } catch (error) {
        const again = error instanceof BerthError && error.code === 'CONTAINER_STATE';
        if (!again || Date.now() > deadline) throw error;
      }
    }
  }

  /** Removes what is left, heals, and looks whether anything is there that was not before. */
  async round(act: () => Promise<void>): Promise<void> {
    this.what = '';
    const { t, stage } = this;
    const before = takeInventory(stage.mustBeEmpty());
    const links = linksOf();
    // Full from a random moment on, until all is removed.
    const full = this.random.chance(0.35) ? this.random.pick([[0], [1], [0, 1]]) : [];
    const timer = setTimeout(
      () => {
        for (const disk of full) this.disks[disk]?.fill();
      },
      full.length === 0 ? 0 : this.random.between(0, 250),
    );
    if (full.length > 0) this.say(`(full: ${full.map((disk) => ['root', 'state'][disk]).join(' and ')})`);
    try {
      await act();
      clearTimeout(timer);
      for (const disk of full) this.disks[disk]?.fill();
      for (const container of this.containers) {
        await this.#remove(container).catch((error: Error) => {
          t.fail(`${this.what}: removing ${container.state}: ${error.message}`);
        });
      }
    } finally {
      clearTimeout(timer);
      for (const disk of this.disks) disk.empty();
    }
    const healed = await collectGarbage(stage.roots, { dryRun: false });
    t.ok(
      healed.every((leak) => leak.healed),
      `${this.what}: healed: ${JSON.stringify(healed)}`,
    );
    t.strictSame(
      await collectGarbage(stage.roots, { dryRun: true }),
      [],
      `${this.what}: nothing to heal twice`,
    );
    t.strictSame(await leaksSince(before, stage.mustBeEmpty(), stage.mine), [], this.what);
    await this.comesAbout(() => linksOf().length <= links.length);
    t.strictSame(linksOf(), links, `${this.what}: links`);
  }
}

function linksOf(): string[] {
  return native()
    .hostNetworks()
    .interfaces.map(({ name }) => name)
    .filter((name) => name.startsWith('berth'))
    .sort();
}

export function killIfThere(pid: number): void {
  if (pid <= 0) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
