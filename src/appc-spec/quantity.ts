import { type Shape, ShapeError } from '../oci-spec/shape.js';

// ace.md, "Resource Isolators": metric and binary suffixes, and thousandths. Go's reader of the same takes k, n and u as well.
const powers: Record<string, [base: bigint, exponent: bigint]> = {
  '': [10n, 0n],
  ...Object.fromEntries(['k', 'M', 'G', 'T', 'P', 'E'].map((name, i) => [name, [10n, BigInt(3 * (i + 1))]])),
  K: [10n, 3n],
  ...Object.fromEntries(
    ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((name, i) => [name, [2n, BigInt(10 * (i + 1))]]),
  ),
};
const parts: Record<string, bigint> = { m: 1000n, u: 1_000_000n, n: 1_000_000_000n };

const pattern = /^(\d{1,40})(?:\.(\d{1,40}))?([kKMGTPE]|[KMGTPE]i|[munkK]?)$/;

/** A quantity as a fraction of whole numbers, so that nothing is rounded on the way. */
export interface Quantity {
  numerator: bigint;
  denominator: bigint;
}

/** Undefined: it is none, or negative. */
export function parseQuantity(text: string): Quantity | undefined {
  const [, whole, fraction = '', suffix = ''] = pattern.exec(text) ?? [];
  if (whole === undefined) return undefined;
  let numerator = BigInt(whole + fraction);
  let denominator = 10n ** BigInt(fraction.length);
  const part = Object.hasOwn(parts, suffix) ? parts[suffix] : undefined;
  if (part !== undefined) denominator *= part;
  else {
    const [base, exponent] = powers[suffix] ?? [10n, 0n];
    numerator *= base ** exponent;
  }
  return { numerator, denominator };
}

/** Rounded up, as less than was asked for would not do; what is larger than a number holds exactly is that. */
export function wholeUnits({ numerator, denominator }: Quantity): number {
  const units = (numerator + denominator - 1n) / denominator;
  return units > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(units);
}

/** To a thousandth, as the specification counts cores. */
export function thousandths(quantity: Quantity): number {
  return wholeUnits({ numerator: quantity.numerator * 1000n, denominator: quantity.denominator }) / 1000;
}

export const quantity: Shape<Quantity> = (value, at) => {
  // JSON numbers are taken as their text, as Go's reader does.
  const found =
    typeof value === 'string' || (typeof value === 'number' && value >= 0)
      ? parseQuantity(String(value))
      : undefined;
  if (found === undefined) throw new ShapeError(at, 'a quantity, as "500m" or "2Gi"');
  return found;
};
