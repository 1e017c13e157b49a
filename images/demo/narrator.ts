/** Tells a story in numbered steps, each with how long it took. */
export class Narrator {
  #step = 0;

  constructor(
    private readonly steps: number,
    private readonly write: (text: string) => void = (text) => process.stdout.write(text),
  ) {}

  /** Says what is being done before it is, so that nobody waits without knowing for what. */
  async step<Result>(title: string, act: () => Promise<Result>): Promise<Result> {
    this.#step += 1;
    const started = performance.now();
    this.write(`\n[${this.#step}/${this.steps}] ${title}\n`);
    try {
      const result = await act();
      this.line(`(${seconds(performance.now() - started)})`);
      return result;
    } catch (error) {
      throw new Error(
        `step ${this.#step}, ${title}: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }

  /** One or more lines that belong to the step. */
  line(text: string): void {
    this.write(text.replace(/^(?=.)/gm, '    ').replace(/\n?$/, '\n'));
  }
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 1000 ? 2 : 1)} s`;
}
