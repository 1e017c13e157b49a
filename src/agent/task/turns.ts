/** Lets a few go at once, and the others in the order in which they came. */
export class Turns {
  private readonly waiting = new Set<() => void>();

  constructor(private free: number) {}

  /** What `work` comes to, once it is its turn. Undefined as soon as `signal` is aborted before that: then `work` is never begun, and nobody waits for it. */
  async take<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result | undefined> {
    if (!(await this.turn(signal))) return undefined;
    try {
      return await work();
    } finally {
      this.next();
    }
  }

  private turn(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.free > 0) {
      this.free--;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve(true);
      };
      const leave = () => {
        this.waiting.delete(go);
        resolve(false);
      };
      this.waiting.add(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  private next(): void {
    const [first] = this.waiting;
    if (first === undefined) {
      this.free++;
      return;
    }
    this.waiting.delete(first);
    first();
  }
}
