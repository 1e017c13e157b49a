import { Option } from 'commander';
import { type FlagGroup, repeatable } from './group.js';

interface Given {
  capAdd?: string[];
  capDrop?: string[];
  userns?: 'auto' | 'host';
}

/** What it may do. */
export const security: FlagGroup<Given> = {
  title: 'Security',
  flags: [
    new Option('--cap-add <capability>', 'give a capability, or ALL (repeatable)').argParser(
      repeatable(String),
    ),
    new Option('--cap-drop <capability>', 'take a capability, or ALL (repeatable)').argParser(
      repeatable(String),
    ),
    new Option('--userns <kind>', 'auto: ids of its own; host: the ids of the host')
      .choices(['auto', 'host'])
      .default('auto'),
  ],
  collect: ({ capAdd, capDrop, userns }) => ({ capAdd, capDrop, userns }),
};
