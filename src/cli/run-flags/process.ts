import { InvalidArgumentError, Option } from 'commander';
import { type FlagGroup, repeatable } from './group.js';

interface Given {
  env?: string[];
  workdir?: string;
  user?: string;
}

/** How the program runs. */
export const processGroup: FlagGroup<Given> = {
  title: 'Process',
  flags: [
    new Option(
      '-e, --env <name=value>',
      'set a variable; NAME alone takes it from this environment (repeatable)',
    ).argParser(repeatable(variable)),
    new Option('-w, --workdir <dir>', 'working directory').argParser(absolute),
    new Option('-u, --user <user[:group]>', 'names from the image, or numbers'),
  ],
  collect: ({ env, workdir, user }) => ({ env, user, workingDirectory: workdir }),
};

/** A variable that this environment lacks is passed over, as Docker does. */
function variable(text: string): string {
  if (/^[^=]+=/.test(text)) return text;
  if (text === '' || text.startsWith('=')) throw new InvalidArgumentError('It is NAME=VALUE, or NAME.');
  const own = process.env[text];
  return own === undefined ? '' : `${text}=${own}`;
}

function absolute(text: string): string {
  if (text.startsWith('/')) return text;
  throw new InvalidArgumentError('It is an absolute path inside the container.');
}
