import type { Timers } from '../../src/agent/checks/timers.js';

/** Time that stands still until it is moved. */
export class StagedTimers implements Timers {
  private time = 0;
  private readonly calls = new Set<{ at: number; call: () => void }>();

  now(): number {
    return this.time;
  }

  after(milliseconds: number, call: () => void): () => void {
    const entry = { at: this.time + milliseconds, call };
    this.calls.add(entry);
    return () => this.calls.delete(entry);
  }

  /** When the next call comes, from now; undefined: there is none. */
  get next(): number | undefined {
    const [first] = this.inOrder();
    return first === undefined ? undefined : first.at - this.time;
  }

  /** Lets so much time pass, and what is called on the way come to rest. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    for (;;) {
      const [first] = this.inOrder();
      if (first === undefined || first.at > end) break;
      this.calls.delete(first);
      this.time = first.at;
      first.call();
      await settled();
    }
    this.time = end;
    await settled();
  }

  private inOrder() {
    return [...this.calls].sort((a, b) => a.at - b.at);
  }
}

/** All that promises alone hold up has come about. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
