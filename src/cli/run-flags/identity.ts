import { InvalidArgumentError, Option } from 'commander';
import type { FlagGroup } from './group.js';

interface Given {
  name?: string;
  hostname?: string;
}

/** What the container is called. */
export const identity: FlagGroup<Given> = {
  title: 'Identity',
  flags: [
    new Option('--name <name>', 'what to call the container; by default its id'),
    new Option('--hostname <name>', 'host name inside; by default the id').argParser(hostname),
  ],
  collect: ({ name, hostname }) => ({ name, hostname }),
};

/** 64 bytes at most (sethostname(2)), and what a host name may be made of. */
function hostname(text: string): string {
  if (/^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62}[a-zA-Z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError(
    'It has 1 to 64 letters, digits, dots and dashes, and neither starts nor ends with a dash.',
  );
}
