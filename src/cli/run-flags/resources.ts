import { Option } from 'commander';
import type { FlagGroup } from './group.js';
import { bytes, cpus, processes } from './quantity.js';

interface Given {
  memory?: number;
  pidsLimit?: number;
  cpus?: number;
}

/** How much it may use. */
export const resources: FlagGroup<Given> = {
  title: 'Resources',
  flags: [
    new Option('--memory <size>', 'memory limit, e.g. 512m').argParser(bytes),
    new Option(
      '--pids-limit <number>',
      'limit of processes and threads, -1 for none (default: 2048)',
    ).argParser(processes),
    new Option('--cpus <number>', "CPU limit in CPUs' worth of time, e.g. 1.5").argParser(cpus),
  ],
  collect: ({ memory, pidsLimit, cpus }) => ({ memory, pidsLimit, cpus }),
};
