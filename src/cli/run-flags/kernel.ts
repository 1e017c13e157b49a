import path from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { DeviceOption, DeviceRule, Ulimit } from '../../containerizer/container/options.js';
import { type FlagGroup, repeatable } from './group.js';
import { pair } from './key-value.js';

interface Given {
  device?: DeviceOption[];
  deviceCgroupRule?: DeviceRule[];
  ulimit?: Ulimit[];
  sysctl?: [string, string][];
}

/** What the kernel lets it have. */
export const kernel: FlagGroup<Given> = {
  title: 'Devices and kernel settings',
  flags: [
    new Option(
      '--device <host-path[:path][:rwm]>',
      'a device of the host, or all of a folder, to read, write and make (repeatable)',
    ).argParser(repeatable(device)),
    new Option(
      '--device-cgroup-rule <rule>',
      "allow devices by number: 'c 189:* rwm' (repeatable)",
    ).argParser(repeatable(rule)),
    new Option(
      '--ulimit <name=soft[:hard]>',
      'a limit of setrlimit(2), e.g. nofile=1024:4096 (repeatable)',
    ).argParser(repeatable(ulimit)),
    new Option(
      '--sysctl <name=value>',
      "a setting of the container's own namespaces, e.g. net.ipv4.ip_forward=1 (repeatable)",
    ).argParser(repeatable(pair)),
  ],
  collect: ({ device, deviceCgroupRule, ulimit, sysctl }) => ({
    devices: device,
    deviceRules: deviceCgroupRule,
    ulimits: ulimit,
    sysctls: sysctl && Object.fromEntries(sysctl),
  }),
};

const accessForm = /^(?!.*(.).*\1)[rwm]{1,3}$/;

/** Docker's form: the second part is an access when it looks like one, else a path. */
function device(text: string): DeviceOption {
  const [source = '', second, third, ...more] = text.split(':');
  const access = third ?? (second !== undefined && accessForm.test(second) ? second : 'rwm');
  const target = second === undefined || (third === undefined && accessForm.test(second)) ? source : second;
  if (!path.isAbsolute(source) || !path.isAbsolute(target) || !accessForm.test(access) || more.length > 0) {
    throw new InvalidArgumentError(
      'It is /PATH, /PATH:/PATH or /PATH:/PATH:ACCESS, ACCESS being letters of rwm.',
    );
  }
  return { source, target: path.posix.normalize(target), access };
}

function rule(text: string): DeviceRule {
  const match = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null)
    throw new InvalidArgumentError("It is 'TYPE MAJOR:MINOR ACCESS', e.g. 'c 1:3 rwm' or 'b 8:* r'.");
  const [, type, major, minor, access = ''] = match;
  return {
    type: type as DeviceRule['type'],
    ...(major === '*' ? {} : { major: Number(major) }),
    ...(minor === '*' ? {} : { minor: Number(minor) }),
    access,
  };
}

/** setrlimit(2). */
const limits = [
  ...[
    'core',
    'cpu',
    'data',
    'fsize',
    'locks',
    'memlock',
    'msgqueue',
    'nice',
    'nofile',
    'nproc',
    'rss',
    'rtprio',
  ],
  ...['rttime', 'sigpending', 'stack'],
];

function ulimit(text: string): Ulimit {
  const match = /^([a-z]+)=([^:]+)(?::([^:]+))?$/.exec(text);
  const [, name = '', soft = '', hard = soft] = match ?? [];
  if (match === null) throw new InvalidArgumentError('It is NAME=SOFT or NAME=SOFT:HARD.');
  if (!limits.includes(name))
    throw new InvalidArgumentError(`${name} is no limit: ${limits.join(', ')} are.`);
  const found = { name, soft: limit(soft), hard: limit(hard) };
  if (found.hard !== null && (found.soft === null || found.soft > found.hard))
    throw new InvalidArgumentError('The soft limit cannot be above the hard one.');
  return found;
}

/** A number; null for none at all. */
function limit(text: string): number | null {
  if (text === '-1' || text === 'unlimited') return null;
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError(`${text} is no limit: a whole number, or -1 for none.`);
}
