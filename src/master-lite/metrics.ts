const mostSpells = 10_000;

/** Counters, and lengths of the latest spells of work, under the names of the reference where it has them. */
export class Metrics {
  private readonly counters = new Map<string, number>();
  private readonly spells = new Map<string, number[]>();

  count(name: string, by = 1): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + by);
  }

  /** Milliseconds that something took; the latest ten thousand are kept. */
  spell(name: string, milliseconds: number): void {
    const list = this.spells.get(name) ?? [];
    if (list.length === 0) this.spells.set(name, list);
    list.push(milliseconds);
    // In one go: taking the first away moves all others.
    if (list.length >= 2 * mostSpells) list.splice(0, mostSpells);
  }

  snapshot(): Record<string, number> {
    const values: Record<string, number> = Object.fromEntries(this.counters);
    for (const [name, list] of this.spells) {
      const sorted = list.slice(-mostSpells).sort((a, b) => a - b);
      const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
      values[`${name}/count`] = sorted.length;
      values[`${name}/max`] = sorted.at(-1) ?? 0;
      values[`${name}/p50`] = at(0.5);
      values[`${name}/p95`] = at(0.95);
      values[`${name}/p99`] = at(0.99);
    }
    return values;
  }
}
