import type { MasterEvent } from '../mesos/messages.js';

export interface Watcher {
  send(event: MasterEvent): void;
  end(): void;
}

/** Most subscribers of the operator's event stream; the oldest makes room. */
export const mostWatchers = 1000;

/** Those who follow the cluster on the operator's event stream. */
export class Watchers {
  private readonly all = new Set<Watcher>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly heartbeat: number) {}

  add(watcher: Watcher): void {
    if (this.all.size >= mostWatchers) {
      const [oldest] = this.all;
      if (oldest !== undefined) {
        oldest.end();
        this.all.delete(oldest);
      }
    }
    this.all.add(watcher);
    this.timer ??= setInterval(() => this.tell({ type: 'HEARTBEAT' }), this.heartbeat * 1000).unref();
  }

  remove(watcher: Watcher): void {
    this.all.delete(watcher);
    if (this.all.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  tell(event: MasterEvent): void {
    for (const watcher of this.all) watcher.send(event);
  }

  /** Whether anybody would hear: events are not made for nobody. */
  get any(): boolean {
    return this.all.size > 0;
  }

  get count(): number {
    return this.all.size;
  }

  end(): void {
    for (const watcher of this.all) watcher.end();
    this.all.clear();
    clearInterval(this.timer);
  }
}
