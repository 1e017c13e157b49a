import { InvalidArgumentError, Option } from 'commander';
import type { ContainerOptions } from '../../containerizer/container/options.js';
import type { FlagGroup } from './group.js';

type Given = Partial<Pick<ContainerOptions, 'pid' | 'ipc' | 'uts' | 'cgroupns' | 'userns'>>;

/** What it has of its own, and what it shares. */
export const namespaces: FlagGroup<Given> = {
  title: 'Namespaces',
  flags: [
    new Option(
      '--pid <kind>',
      'private, host, or container:ID, with its ids: whose processes it sees (default: private)',
    ).argParser(kind('private', 'host', 'container:')),
    new Option(
      '--ipc <kind>',
      'private, shareable, none (no /dev/shm), host, or container:ID, with its ids: whose shared memory and queues (default: private)',
    ).argParser(kind('private', 'shareable', 'none', 'host', 'container:')),
    new Option(
      '--uts <kind>',
      'private, host, or container:ID, with its ids: whose host name (default: private)',
    ).argParser(kind('private', 'host', 'container:')),
    new Option(
      '--cgroupns <kind>',
      'private, or host: where the tree of cgroups begins for it (default: private)',
    ).argParser(kind('private', 'host')),
    new Option(
      '--userns <kind>',
      'auto: ids of its own; host: the ids of the host; container:ID (default: auto)',
    ).argParser(kind('auto', 'host', 'container:')),
  ],
  collect: ({ pid, ipc, uts, cgroupns, userns }) => ({
    pid,
    ipc,
    uts,
    cgroupns,
    ...(userns === undefined ? {} : { userns }),
  }),
};

function kind(...kinds: string[]): (text: string) => string | { container: string } {
  return (text) => {
    if (kinds.includes(text) && !text.endsWith(':')) return text;
    const container = /^container:(.+)$/.exec(text)?.[1];
    if (kinds.includes('container:') && container !== undefined) return { container };
    throw new InvalidArgumentError(`It is ${kinds.map((each) => each.replace(/:$/, ':ID')).join(', ')}.`);
  };
}
