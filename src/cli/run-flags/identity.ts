import path from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { type FlagGroup, repeatable } from './group.js';
import { labelsOfFiles, pair } from './key-value.js';

interface Given {
  name?: string;
  cidfile?: string;
  hostname?: string;
  domainname?: string;
  label?: [string, string][];
  labelFile?: string[];
  annotation?: [string, string][];
}

/** What the container is called. */
export const identity: FlagGroup<Given> = {
  title: 'Identity',
  flags: [
    new Option('--name <name>', 'what to call the container; by default its id'),
    new Option('--cidfile <file>', 'make a file that says the id').argParser((file) => path.resolve(file)),
    new Option(
      '-h, --hostname <name>',
      'host name inside; by default the id, on the network of the host its name',
    ).argParser(hostname),
    new Option('--domainname <name>', 'NIS domain name inside').argParser(domainname),
    new Option(
      '-l, --label <key=value>',
      'a note for people and tools; berth gives it no meaning (repeatable)',
    ).argParser(repeatable(pair)),
    new Option('--label-file <file>', 'labels from a file, one a line (repeatable)').argParser(
      repeatable(String),
    ),
    new Option('--annotation <key=value>', 'an annotation of config.json (repeatable)').argParser(
      repeatable(pair),
    ),
  ],
  collect: ({ name, cidfile, hostname, domainname, label = [], labelFile = [], annotation }) => ({
    name,
    idFile: cidfile,
    hostname,
    domainname,
    labels: Object.fromEntries([...labelsOfFiles(labelFile), ...label]),
    annotations: annotation && Object.fromEntries(annotation),
  }),
};

/** 64 bytes at most (sethostname(2)), and what a host name may be made of. */
function hostname(text: string): string {
  if (/^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62}[a-zA-Z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError(
    'It has 1 to 64 letters, digits, dots and dashes, and neither starts nor ends with a dash.',
  );
}

/** setdomainname(2) takes 64 bytes. */
function domainname(text: string): string {
  if (/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError('It has 1 to 64 letters, digits, dots, dashes and underscores.');
}
