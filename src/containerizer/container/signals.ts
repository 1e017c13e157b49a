import { constants } from 'node:os';
import { BerthError } from '../../errors/berth-error.js';

/** signal(7), x86-64, as glibc has them: the two that it keeps for itself are not counted. */
const firstRealTime = 34;
const lastSignal = 64;

/** The number of a signal given as `15`, `TERM`, `SIGTERM`, `SIGRTMIN+3` or `RTMAX-1`; undefined when there is none. */
export function signalNumber(text: string): number | undefined {
  if (/^\d+$/.test(text)) return inRange(Number(text), 1);
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realTime = /^(?:RTMIN(?:\+(\d{1,2}))?|RTMAX(?:-(\d{1,2}))?)$/.exec(name);
  if (realTime !== null) {
    const number = name.startsWith('RTMIN')
      ? firstRealTime + Number(realTime[1] ?? 0)
      : lastSignal - Number(realTime[2] ?? 0);
    return inRange(number, firstRealTime);
  }
  const full = `SIG${name}`;
  return Object.hasOwn(constants.signals, full) ? constants.signals[full as NodeJS.Signals] : undefined;
}

function inRange(number: number, least: number): number | undefined {
  return number >= least && number <= lastSignal ? number : undefined;
}

/** The same, where there must be one. */
export function existingSignal(text: string): number {
  const number = signalNumber(text);
  if (number !== undefined) return number;
  throw new BerthError('USAGE', {
    what: `signal ${text}`,
    why: 'no such signal',
    mend: 'Give a name or number from kill -l.',
  });
}
