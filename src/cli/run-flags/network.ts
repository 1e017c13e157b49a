import { Option } from 'commander';
import type { FlagGroup } from './group.js';

interface Given {
  network?: 'none' | 'host';
}

/** Whom it can talk to. */
export const network: FlagGroup<Given> = {
  title: 'Network',
  flags: [
    new Option('--network <kind>', 'none: only a loopback of its own; host: the network of the host')
      .choices(['none', 'host'])
      .default('none'),
  ],
  collect: ({ network }) => ({ network }),
};
