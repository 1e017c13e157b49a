import { type FSWatcher, watch } from 'node:fs';

/** Sleeps until something has happened: a change in a folder (inotify(7)), or whatever else rings. What happens while nobody sleeps is not lost. */
export class Wake {
  readonly #watchers = new Map<string, FSWatcher>();
  #rung = false;
  #sleeper: (() => void) | undefined;

  /** @param keepsAlive Whether watching keeps this process alive. */
  constructor(private readonly keepsAlive = true) {}

  ring(): void {
    this.#rung = true;
    this.#sleeper?.();
  }

  /** From now on, or once it is asked again after the folder came to be. */
  watch(folder: string): void {
    if (this.#watchers.has(folder)) return;
    try {
      const watcher = watch(folder, { persistent: this.keepsAlive }, () => this.ring());
      // The folder has been removed: that is a change as well.
      watcher.on('error', () => this.ring());
      this.#watchers.set(folder, watcher);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  async sleep(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        this.#sleeper = resolve;
      });
    }
    this.#rung = false;
    this.#sleeper = undefined;
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
  }
}
