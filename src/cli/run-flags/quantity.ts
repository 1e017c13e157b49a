import { InvalidArgumentError } from 'commander';

const units: Record<string, number> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `512m`, `1g`, `4096`: bytes, with Docker's binary suffixes in either case. NaN: it is no size. */
function size(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([bkmgt]?)b?$/i.exec(text);
  const value =
    match === null ? Number.NaN : Math.round(Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] ?? 1));
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** A size of memory: a page at least. */
export function bytes(text: string): number {
  const value = size(text);
  if (value >= 4096) return value;
  throw new InvalidArgumentError(
    'It is a size of at least 4096 bytes: a number, with b, k, m, g or t behind it if you like.',
  );
}

export function bytesOrNone(text: string): number {
  return text === '-1' ? -1 : bytes(text);
}

/** Bytes of anything, 0 too. */
export function plainBytes(text: string): number {
  const value = size(text);
  if (!Number.isNaN(value)) return value;
  throw new InvalidArgumentError('It is a number of bytes, with b, k, m, g or t behind it if you like.');
}

/** A parser of numbers in a range. */
export function wholeNumber(least: number, most: number, otherwise: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(otherwise);
  };
}

/** `0.5`, `2`: CPUs. The kernel's smallest quota is 1 ms in each 100 ms (sched-bwc.rst). */
export function cpus(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0.01) || value > 8192) {
    throw new InvalidArgumentError('It is a number of CPUs, 0.01 or more.');
  }
  return value;
}

/** A number of processes; 0 and -1 stand for no limit, as Docker has it. */
export function processes(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < -1 || value > 4_194_304) {
    throw new InvalidArgumentError('It is a number of processes, or -1 for no limit.');
  }
  return value === 0 ? -1 : value;
}

/** Whole seconds or parts of them, up to a day. */
export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 86_400) return value;
  throw new InvalidArgumentError('It is a number of seconds from 0 to 86400.');
}

const spans: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** `30s`, `1m30s`, `500ms`, as Docker has them: seconds, up to a day. */
export function duration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smh])/g)];
  const value = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (spans[unit ?? ''] ?? 0), 0);
  if (parts.length > 0 && parts.map(([part]) => part).join('') === text && value <= 86_400) return value;
  throw new InvalidArgumentError('It is a span of time up to a day: 500ms, 30s, 1m30s.');
}
