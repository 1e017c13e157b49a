import { Option } from 'commander';
import { defaultDetachKeys, detachKeys } from '../detach-keys.js';
import type { FlagGroup } from './group.js';

interface Given {
  interactive?: true;
  tty?: true;
}

/** How one talks to it. */
export const interaction: FlagGroup<Given> = {
  title: 'Interaction',
  flags: [
    new Option('-i, --interactive', 'what is typed or piped here reaches the program'),
    new Option('-t, --tty', 'a terminal of its own'),
    detachKeysFlag(),
    sigProxyFlag(),
  ],
  collect: ({ interactive, tty }) => ({ input: interactive, terminal: tty }),
};

export function detachKeysFlag(): Option {
  return new Option('--detach-keys <keys>', 'leave a terminal by these, the program goes on; empty: never')
    .argParser(detachKeys)
    .default(detachKeys(defaultDetachKeys), defaultDetachKeys);
}

export function sigProxyFlag(): Option {
  return new Option('--sig-proxy [yes]', 'pass signals on to the program; false: they end this command alone')
    .argParser((text) => text !== 'false')
    .default(true, 'true');
}
