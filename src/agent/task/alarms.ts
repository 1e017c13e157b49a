/** Longest delay of a timer (setTimeout), in milliseconds. */
const longest = 2 ** 31 - 1;

/** Calls at moments, which may be past or far away: one for each key. */
export class Alarms<Key> {
  private readonly timers = new Map<Key, NodeJS.Timeout>();
  private closed = false;

  /** `moment`: milliseconds since 1970. Takes the place of an earlier one. */
  set(key: Key, moment: number, call: () => void): void {
    this.clear(key);
    if (this.closed) return;
    const wait = () => {
      const left = moment - Date.now();
      const timer =
        left > longest
          ? setTimeout(wait, longest)
          : setTimeout(
              () => {
                this.timers.delete(key);
                call();
              },
              Math.max(0, left),
            );
      this.timers.set(key, timer);
    };
    wait();
  }

  clear(key: Key): void {
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
  }

  /** Calls nobody any more. */
  close(): void {
    this.closed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }
}
