/** One step of a launch: who did it, what it was, and how long until that one's next step, in milliseconds. */
export interface LaunchStep {
  who: 'caller' | 'supervisor' | 'task';
  step: string;
  /** Since the launch was asked for. */
  began: number;
  lasted: number;
}

interface Mark {
  who: LaunchStep['who'];
  step: string;
  nanoseconds: bigint;
}

/** Collects when each step of a launch began. The supervisor's clock and process.hrtime are the same CLOCK_MONOTONIC. */
export class LaunchTimer {
  readonly #marks: Mark[] = [];

  mark(step: string): void {
    this.markAt(step, process.hrtime.bigint());
  }

  /** The same of a moment that is past. */
  markAt(step: string, nanoseconds: bigint): void {
    this.#marks.push({ who: 'caller', step, nanoseconds });
  }

  /** The supervisor's line: `WHO:STEP:NANOSECONDS` each. */
  add(line: string): void {
    for (const word of line.split(' ')) {
      const [who, step = '', nanoseconds = '0'] = word.split(':');
      if (who === 'supervisor' || who === 'task')
        this.#marks.push({ who, step, nanoseconds: BigInt(nanoseconds) });
    }
  }

  /** In the order of beginning. Steps of different actors overlap: that is the point of having two. */
  steps(): LaunchStep[] {
    const start = this.#marks.reduce(
      (least, mark) => (mark.nanoseconds < least ? mark.nanoseconds : least),
      this.#marks[0]?.nanoseconds ?? 0n,
    );
    const end = this.#marks.reduce(
      (most, mark) => (mark.nanoseconds > most ? mark.nanoseconds : most),
      start,
    );
    return this.#marks
      .map((mark, i) => {
        const next = this.#marks.slice(i + 1).find(({ who }) => who === mark.who)?.nanoseconds ?? end;
        return {
          who: mark.who,
          step: mark.step,
          began: Number(mark.nanoseconds - start) / 1e6,
          lasted: Number(next - mark.nanoseconds) / 1e6,
        };
      })
      .sort((a, b) => a.began - b.began);
  }
}
