import { InvalidArgumentError } from 'commander';
import type { IoLimit } from '../../containerizer/container/limits.js';
import { plainBytes, wholeNumber } from './quantity.js';

type Key = 'rbps' | 'wbps' | 'riops' | 'wiops';

const units: Record<Key, (text: string) => number> = {
  rbps: plainBytes,
  wbps: plainBytes,
  riops: operations,
  wiops: operations,
};

/** `DEVICE:rbps=1m,wiops=100`; the device is a path or MAJOR:MINOR. `max`, as the kernel has it, takes a limit away. */
export function diskRates(text: string): IoLimit {
  const match = /^(.+):((?:[a-z]+=[^,=]+,?)+)$/.exec(text);
  const limit: IoLimit = { device: match?.[1] ?? '' };
  for (const pair of (match?.[2] ?? '').split(',')) {
    const [key = '', amount = ''] = pair.split('=');
    if (match === null || !Object.hasOwn(units, key)) {
      throw new InvalidArgumentError(
        'It is DEVICE:KEY=RATE,… with keys rbps and wbps (bytes a second), riops and wiops (operations a second).',
      );
    }
    limit[key as Key] = amount === 'max' ? 0 : units[key as Key](amount);
  }
  return limit;
}

/** `DEVICE:RATE`, for one of the keys. */
export function diskRate(key: Key): (text: string) => IoLimit {
  return (text) => {
    const colon = text.lastIndexOf(':');
    if (colon <= 0) throw new InvalidArgumentError('It is DEVICE:RATE.');
    return { device: text.slice(0, colon), [key]: units[key](text.slice(colon + 1)) };
  };
}

function operations(text: string): number {
  return wholeNumber(0, 0xffff_ffff, 'It is a number of operations a second, 0 for no limit.')(text);
}
