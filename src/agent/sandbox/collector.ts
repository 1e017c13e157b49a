import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import path from 'node:path';
import { native } from '../../native/index.js';
import { keptLogs } from './place.js';

export interface CollectorOptions {
  /** The folder of all sandboxes. */
  root: string;
  /** Seconds that a sandbox is kept at most after its task's end. */
  delay: number;
  /** Of the disk, as a fraction: what is to stay free. */
  headroom: number;
  /** Whether a task, or an update that nobody has acknowledged, still needs the sandbox. */
  inUse(container: string): boolean;
  /** Told of what could not be removed; it is tried again. */
  onFailure(error: unknown): void;
  /** Of the disk, as a fraction. */
  diskUse?: () => number;
  /** Milliseconds since 1970. */
  now?: () => number;
}

interface Run {
  folder: string;
  container: string;
  /** Seconds since its task's end. */
  age: number;
}

/** Removes sandboxes of tasks that have ended: when they are old, and the sooner the fuller the disk is. */
export class SandboxCollector {
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<number> | undefined;

  constructor(private readonly options: CollectorOptions) {}

  /** Looks every so many seconds. */
  start(interval: number): void {
    this.timer = setInterval(() => void this.sweep(), interval * 1000);
    this.timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** Seconds that a sandbox may be old now. */
  get ageLimit(): number {
    const { delay, headroom, diskUse = () => diskUseOf(this.options.root) } = this.options;
    return delay * Math.max(0, 1 - headroom - diskUse());
  }

  /** How many are gone. Never two at once. */
  sweep(): Promise<number> {
    this.sweeping ??= this.sweepNow().finally(() => {
      this.sweeping = undefined;
    });
    return this.sweeping;
  }

  private async sweepNow(): Promise<number> {
    const { root } = this.options;
    let gone = 0;
    try {
      // What a crash has left there.
      for (const name of entries(this.trash)) await this.removeTree(path.join(this.trash, name));
      for (const { folder, container, age } of this.runs().sort((a, b) => b.age - a.age)) {
        // Asked anew each time: what is removed makes room.
        if (age <= this.ageLimit) break;
        if (await this.remove(folder, container)) gone++;
      }
      for (const container of entries(path.join(root, 'logs')))
        if (!this.options.inUse(container) && this.orphan(container))
          await this.removeTree(keptLogs(root, container));
    } catch (error) {
      this.options.onFailure(error);
    }
    return gone;
  }

  /** Every sandbox that nobody needs. */
  private runs(): Run[] {
    const now = (this.options.now ?? Date.now)();
    return this.runFolders().flatMap((runs) =>
      entries(runs)
        .filter((name) => name !== 'latest' && !this.options.inUse(name))
        .flatMap((container) => {
          const folder = path.join(runs, container);
          const status = lstatSync(folder, { throwIfNoEntry: false });
          if (status?.isDirectory() !== true) return [];
          return [{ folder, container, age: (now - status.mtimeMs) / 1000 }];
        }),
    );
  }

  private runFolders(): string[] {
    let folders = [path.join(this.options.root, 'slaves')];
    for (const below of ['frameworks', 'executors', 'runs'])
      folders = folders.flatMap((folder) => entries(folder).map((name) => path.join(folder, name, below)));
    return folders;
  }

  private async remove(folder: string, container: string): Promise<boolean> {
    const { root } = this.options;
    mkdirSync(this.trash, { recursive: true, mode: 0o700 });
    const trash = path.join(this.trash, container);
    try {
      renameSync(folder, trash);
    } catch (error) {
      this.options.onFailure(error);
      return false;
    }
    forget(root, folder, container);
    await this.removeTree(trash);
    await this.removeTree(keptLogs(root, container));
    return true;
  }

  /** Logs without a sandbox. */
  private orphan(container: string): boolean {
    return !this.runFolders().some((runs) => entries(runs).includes(container));
  }

  private async removeTree(folder: string): Promise<void> {
    try {
      await native().removeTree(folder);
    } catch (error) {
      this.options.onFailure(error);
    }
  }

  private get trash(): string {
    return path.join(this.options.root, 'trash');
  }
}

/** Takes the link to it away, and the folders above it that are empty now. */
function forget(root: string, folder: string, container: string): void {
  const runs = path.dirname(folder);
  const latest = path.join(runs, 'latest');
  if (linkOf(latest) === container) rmSync(latest, { force: true });
  try {
    for (let above = runs; above !== root; above = path.dirname(above)) rmdirSync(above);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

function linkOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function diskUseOf(folder: string): number {
  try {
    const { blocks, bavail } = statfsSync(folder);
    return blocks === 0 ? 0 : 1 - bavail / blocks;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
