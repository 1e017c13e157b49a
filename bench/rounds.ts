import { setTimeout as sleep } from 'node:timers/promises';

/** Something to be measured: each call does it once and resolves to the figure. */
export interface Subject {
  name: string;
  measure(): Promise<number>;
}

export interface RoundsOptions {
  rounds: number;
  /** Not counted. */
  warmUp: number;
  /** Nothing happens for so long before each measurement: what the kernel defers is then paid, not hidden. */
  gapMs: number;
  signal: AbortSignal;
}

/** Measures all subjects in turn, again and again: what disturbs the host disturbs them alike. One list of samples each. */
export async function alternate(subjects: readonly Subject[], options: RoundsOptions): Promise<number[][]> {
  const samples: number[][] = subjects.map(() => []);
  for (let round = -options.warmUp; round < options.rounds; round++) {
    for (const [i, subject] of subjects.entries()) {
      options.signal.throwIfAborted();
      if (options.gapMs > 0) await sleep(options.gapMs, undefined, { signal: options.signal });
      const figure = await subject.measure();
      if (round >= 0) samples[i]?.push(figure);
    }
  }
  return samples;
}

/** Milliseconds that something takes. */
export async function time(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}
