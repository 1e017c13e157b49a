import { Option } from 'commander';
import type { FlagGroup } from './group.js';

interface Given {
  rm?: true;
}

/** What becomes of it. */
export const lifecycle: FlagGroup<Given> = {
  title: 'Life',
  flags: [new Option('--rm', 'leave nothing of the container once it has ended')],
  collect: ({ rm }) => ({ remove: rm }),
};
