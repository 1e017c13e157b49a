import type { Option } from 'commander';
import { containerFilterKeys, containerStates } from '../containerizer/container/selection.js';
import { filterFlag } from './filter-flag.js';

/** `--filter`, for verbs that choose among containers. */
export function containerFilter(): Option {
  return filterFlag(containerFilterKeys, whyNot, '; with status or exited also those that do not run');
}

function whyNot(key: (typeof containerFilterKeys)[number], value: string): string | undefined {
  if (key === 'status' && !(containerStates as readonly string[]).includes(value))
    return `A status is one of ${containerStates.join(', ')}.`;
  if (key === 'exited' && !/^\d{1,3}$/.test(value)) return 'exited is the status that it has ended with.';
  return undefined;
}
