import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ContainerOptions, Volume } from '../../containerizer/container/options.js';
import { bytes, cpus, processes } from './quantity.js';
import { volume } from './volume.js';

/** What commander makes of the flags below. */
interface Given {
  name?: string;
  rm?: true;
  env: string[];
  volume: Volume[];
  workdir?: string;
  user?: string;
  hostname?: string;
  network: 'none' | 'host';
  memory?: number;
  pidsLimit?: number;
  cpus?: number;
  readOnly?: true;
  capAdd: string[];
  capDrop: string[];
  userns: 'auto' | 'host';
}

/** The flags that say what a container is, with Docker's names; one list for parsing, help and reference. */
const flags: Option[] = [
  new Option('--name <name>', 'what to call the container; by default its id'),
  new Option('--rm', 'leave nothing of the container once it has ended'),
  new Option(
    '-e, --env <name=value>',
    'set a variable; NAME alone takes it from this environment (repeatable)',
  )
    .argParser(collect(variable))
    .default([], 'none'),
  new Option(
    '-v, --volume <source:target[:options]>',
    'show a folder or file of the host; options ro, rbind, noidmap (repeatable)',
  )
    .argParser(collect(volume))
    .default([], 'none'),
  new Option('-w, --workdir <dir>', 'working directory').argParser(absolute),
  new Option('-u, --user <user[:group]>', 'names from the image, or numbers'),
  new Option('--hostname <name>', 'host name inside; by default the id').argParser(hostname),
  new Option('--network <kind>', 'none: only a loopback of its own; host: the network of the host')
    .choices(['none', 'host'])
    .default('none'),
  new Option('--memory <size>', 'memory limit, e.g. 512m').argParser(bytes),
  new Option(
    '--pids-limit <number>',
    'limit of processes and threads, -1 for none (default: 2048)',
  ).argParser(processes),
  new Option('--cpus <number>', "CPU limit in CPUs' worth of time, e.g. 1.5").argParser(cpus),
  new Option('--read-only', 'root file system read-only'),
  new Option('--cap-add <capability>', 'give a capability, or ALL (repeatable)')
    .argParser(collect(String))
    .default([], 'none'),
  new Option('--cap-drop <capability>', 'take a capability, or ALL (repeatable)')
    .argParser(collect(String))
    .default([], 'none'),
  new Option('--userns <kind>', 'auto: ids of its own; host: the ids of the host')
    .choices(['auto', 'host'])
    .default('auto'),
];

export function declareRunFlags(command: Command): void {
  for (const flag of flags) command.addOption(flag);
}

export function containerOptions(given: Record<string, unknown>, command: string[]): ContainerOptions {
  const {
    name,
    rm,
    env,
    volume: volumes,
    workdir,
    user,
    hostname: host,
    network,
    memory,
    pidsLimit,
    cpus: share,
    readOnly,
    capAdd,
    capDrop,
    userns,
  } = given as unknown as Given;
  return {
    command,
    env,
    volumes,
    network,
    capAdd,
    capDrop,
    userns,
    readOnly: readOnly === true,
    remove: rm === true,
    ...(name === undefined ? {} : { name }),
    ...(workdir === undefined ? {} : { workingDirectory: workdir }),
    ...(user === undefined ? {} : { user }),
    ...(host === undefined ? {} : { hostname: host }),
    ...(memory === undefined ? {} : { memory }),
    ...(pidsLimit === undefined ? {} : { pidsLimit }),
    ...(share === undefined ? {} : { cpus: share }),
  };
}

/** A flag that may come several times. */
function collect<Value>(parse: (text: string) => Value): (text: string, earlier: Value[]) => Value[] {
  return (text, earlier) => [...earlier, parse(text)];
}

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

/** 64 bytes at most (sethostname(2)), and what a host name may be made of. */
function hostname(text: string): string {
  if (/^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62}[a-zA-Z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError(
    'It has 1 to 64 letters, digits, dots and dashes, and neither starts nor ends with a dash.',
  );
}
