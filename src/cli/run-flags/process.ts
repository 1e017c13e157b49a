import { InvalidArgumentError, Option } from 'commander';
import { signalNumber } from '../../containerizer/container/signals.js';
import { type FlagGroup, repeatable } from './group.js';
import { variable, variablesOfFiles } from './key-value.js';
import { seconds } from './quantity.js';

interface Given {
  entrypoint?: string;
  env?: string[][];
  envFile?: string[];
  workdir?: string;
  user?: string;
  groupAdd?: string[];
  umask?: number;
  init?: true;
  stopSignal?: string;
  stopTimeout?: number;
}

/** How the program runs. */
export const processGroup: FlagGroup<Given> = {
  title: 'Process',
  flags: [
    new Option('--entrypoint <command>', "instead of the image's entry point and command; '' for none"),
    new Option(
      '-e, --env <name=value>',
      'set a variable; NAME alone takes it from this environment (repeatable)',
    ).argParser(repeatable(variable)),
    new Option(
      '--env-file <file>',
      'variables from a file, one a line; --env goes over it (repeatable)',
    ).argParser(repeatable(String)),
    new Option('-w, --workdir <dir>', 'working directory; made if missing').argParser(absolute),
    new Option('-u, --user <user[:group]>', 'names from the image, or numbers'),
    new Option(
      '--group-add <group>',
      'one more group: a name from the image, or a number (repeatable)',
    ).argParser(repeatable(group)),
    new Option('--umask <octal>', 'mode bits that new files do not get (default: 0022)').argParser(umask),
    new Option('--init', 'a first process that passes signals on and collects what is orphaned'),
    new Option('--stop-signal <signal>', "what berth stop sends; by default the image's, or TERM").argParser(
      signal,
    ),
    new Option(
      '--stop-timeout <seconds>',
      'how long berth stop waits before SIGKILL (default: 10)',
    ).argParser(seconds),
  ],
  collect({
    entrypoint,
    env = [],
    envFile = [],
    workdir,
    user,
    groupAdd,
    umask,
    init,
    stopSignal,
    stopTimeout,
  }) {
    return {
      entrypoint: entrypoint === undefined ? undefined : entrypoint === '' ? [] : [entrypoint],
      env: [...variablesOfFiles(envFile), ...env.flat()],
      user: user === '' ? undefined : user,
      workingDirectory: workdir,
      groups: groupAdd,
      umask,
      init,
      stopSignal,
      stopTimeout,
    };
  },
};

export function absolute(text: string): string {
  if (text.startsWith('/')) return text;
  throw new InvalidArgumentError('It is an absolute path inside the container.');
}

function group(text: string): string {
  if (text !== '' && !text.includes(':')) return text;
  throw new InvalidArgumentError('It is the name or the number of a group.');
}

function umask(text: string): number {
  if (/^[0-7]{1,4}$/.test(text) && Number.parseInt(text, 8) <= 0o777) return Number.parseInt(text, 8);
  throw new InvalidArgumentError('It is an octal number from 0 to 0777.');
}

function signal(text: string): string {
  if (signalNumber(text) !== undefined) return text;
  throw new InvalidArgumentError('It is a name or number from kill -l, or SIGRTMIN+N.');
}
