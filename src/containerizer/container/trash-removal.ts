import { setTimeout as sleep } from 'node:timers/promises';
import { isNativeError, native } from '../../native/index.js';

/** A disk does not remove faster what it is asked to remove by more. */
const atOnce = 2;
/** Something may be put into a folder while it is emptied: how often it is tried, and milliseconds in between. */
const tries = 10;
const pause = 10;

/** Removes what was renamed to the trash, behind the back of who did that: a disk can take long over it. What is left when the process is killed is for the next to find. */
export class TrashRemoval {
  private readonly waiting: string[] = [];
  private busy = 0;
  private readonly onDone: (() => void)[] = [];

  /** `fail`: told of what stays. */
  constructor(private readonly fail: (error: unknown) => void) {}

  add(folder: string): void {
    this.waiting.push(folder);
    if (this.busy < atOnce) void this.work();
  }

  /** Resolves once nothing is left to do. */
  done(): Promise<void> {
    if (this.busy === 0) return Promise.resolve();
    return new Promise((resolve) => this.onDone.push(resolve));
  }

  private async work(): Promise<void> {
    this.busy++;
    for (let folder = this.waiting.shift(); folder !== undefined; folder = this.waiting.shift())
      await removeWhole(folder).catch(this.fail);
    this.busy--;
    if (this.busy === 0) for (const call of this.onDone.splice(0)) call();
  }
}

async function removeWhole(folder: string): Promise<void> {
  for (let left = tries; ; left--) {
    try {
      await native().removeTree(folder);
      return;
    } catch (error) {
      if (left === 1 || !isNativeError(error) || error.code !== 'ENOTEMPTY') throw error;
      await sleep(pause);
    }
  }
}
