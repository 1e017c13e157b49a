/** What a series of measurements comes to. All in the unit of the samples. */
export interface Summary {
  samples: number;
  median: number;
  min: number;
  /** Nine in ten are at most this (nearest rank). */
  p90: number;
}

export function summarise(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new RangeError('nothing was measured');
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    samples: sorted.length,
    median: median(sorted),
    min: at(sorted, 0),
    p90: at(sorted, Math.ceil(sorted.length * 0.9) - 1),
  };
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2;
}

function at(sorted: readonly number[], index: number): number {
  const value = sorted[index];
  if (value === undefined) throw new RangeError(`no sample ${index} of ${sorted.length}`);
  return value;
}
