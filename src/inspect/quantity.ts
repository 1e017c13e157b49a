/** Figures as a person reads them, in few characters. What is not known is `-`, which no known value looks like. */
type Quantity = (value: number | null) => string;

const unknown = '-';

/** `99.8`; from 1000 on without a decimal. */
export const decimal: Quantity = (value) => {
  if (value === null) return unknown;
  return value < 999.95 ? value.toFixed(1) : value.toFixed(0);
};

/** A fraction as `42%`. What is there but rounds to nothing is `<1%`. */
export const share: Quantity = (value) => {
  if (value === null) return unknown;
  if (value > 0 && value < 0.005) return value < 0.0005 ? '0%' : '<1%';
  return `${Math.round(value * 100)}%`;
};

export const whole: Quantity = (value) => (value === null ? unknown : String(Math.round(value)));

const byteUnits = ['B', 'K', 'M', 'G', 'T', 'P'];

/** Bytes in powers of 1024: `512B`, `9.8M`, `12G`. */
export const bytes: Quantity = (value) => {
  if (value === null) return unknown;
  let left = value;
  let unit = 0;
  // 999.5 would round to four digits.
  while (left >= 999.5 && unit < byteUnits.length - 1) {
    left /= 1024;
    unit += 1;
  }
  return `${unit > 0 && left < 9.95 ? left.toFixed(1) : left.toFixed(0)}${byteUnits[unit]}`;
};

/** Seconds by their two largest units: `8s`, `3m05s`, `2h10m`, `4d06h`. */
export const duration: Quantity = (value) => {
  if (value === null) return unknown;
  const seconds = Math.floor(value);
  const two = (high: number, highUnit: string, low: number, lowUnit: string): string =>
    `${high}${highUnit}${String(low).padStart(2, '0')}${lowUnit}`;
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return two(Math.floor(seconds / 60), 'm', seconds % 60, 's');
  if (seconds < 86_400) return two(Math.floor(seconds / 3600), 'h', Math.floor(seconds / 60) % 60, 'm');
  return two(Math.floor(seconds / 86_400), 'd', Math.floor(seconds / 3600) % 24, 'h');
};
