import { InvalidArgumentError } from 'commander';

/** Shorter than a tick of the kernel's clock there is nothing to measure; longer than a day is a slip. */
export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0.01 && value <= 86_400) return value;
  throw new InvalidArgumentError('It is a number of seconds from 0.01 to 86400.');
}
