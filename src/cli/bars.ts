const barWidth = 24;
/** Milliseconds between two drawings: more often nobody sees. */
const interval = 80;

/** Bars on stderr, a terminal: those that grow stay at the bottom, and what is at its end scrolls away above them. */
export class Bars {
  readonly #lines = new Map<string, string>();
  #drawn = 0;
  #last = Number.NEGATIVE_INFINITY;

  has(key: string): boolean {
    return this.#lines.has(key);
  }

  show(key: string, title: string, done: number, size: number, figures: string): void {
    const filled = Math.round((size === 0 ? 1 : Math.min(1, done / size)) * barWidth);
    const known = this.#lines.has(key);
    this.#lines.set(key, `${title} [${'='.repeat(filled)}${' '.repeat(barWidth - filled)}] ${figures}`);
    if (!known || done >= size || performance.now() - this.#last >= interval) this.#draw('');
  }

  /** The last word on something. */
  end(key: string, line: string): void {
    this.#lines.delete(key);
    this.#draw(`${line}\n`);
  }

  #draw(above: string): void {
    this.#last = performance.now();
    const { columns = 80, rows = 24 } = process.stderr;
    // Back to the first of the lines that were drawn, and away with all below (ECMA-48: CPL, ED).
    const back = this.#drawn === 0 ? '' : `\u001b[${this.#drawn}F`;
    const lines = [...this.#lines.values()]
      .slice(0, rows - 1)
      .map((line) => `${line.slice(0, columns - 1)}\n`);
    process.stderr.write(`${back}\u001b[J${above}${lines.join('')}`);
    this.#drawn = lines.length;
  }
}
