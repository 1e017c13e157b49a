/** What was taken goes by so many at once. */
const forgottenAt = 1024;

/**
 * Takes one thing after the other, each in a turn of the event loop of its own, with all that follows from it at once (promises): what else this thread has to do comes in between, however
 * much there is. The first is taken at once.
 */
export class OneByOne<Item> {
  private waiting: Item[] = [];
  private at = 0;
  private next: NodeJS.Immediate | undefined;

  /** `take` does not throw. */
  constructor(private readonly take: (item: Item) => void) {}

  add(items: readonly Item[]): void {
    for (const item of items) this.waiting.push(item);
    if (this.next === undefined) this.turn();
  }

  /** Takes all that waits, at once. */
  finish(): void {
    while (this.at < this.waiting.length) this.takeNext();
    this.drop();
  }

  /** Takes nothing more of what waits. */
  drop(): void {
    clearImmediate(this.next);
    this.next = undefined;
    this.waiting = [];
    this.at = 0;
  }

  private turn(): void {
    this.next = setImmediate(() => {
      this.next = undefined;
      if (this.at < this.waiting.length) this.turn();
      else this.drop();
    });
    this.takeNext();
  }

  private takeNext(): void {
    const item = this.waiting[this.at];
    if (item === undefined) return;
    // Counted first: what is taken may have the rest dropped, or finished.
    if (++this.at === forgottenAt) {
      this.waiting.splice(0, this.at);
      this.at = 0;
    }
    this.take(item);
  }
}
