import { InvalidArgumentError } from 'commander';

/** A number of lines; -1: all. */
export function logLines(text: string): number {
  if (text === 'all') return -1;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number of lines, or all.');
}
