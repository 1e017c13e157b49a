import { InvalidArgumentError, Option } from 'commander';
import type { FlagGroup, Fragment } from './group.js';
import { repeatable } from './group.js';

interface Given {
  capAdd?: string[];
  capDrop?: string[];
  privileged?: true;
  securityOpt?: SecurityOption[];
  userns?: string;
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
    new Option(
      '--security-opt <option>',
      'no-new-privileges[=true|false], seccomp=FILE|unconfined, mask=PATH:…, unmask=PATH:…|ALL, systempaths=unconfined, apparmor=unconfined, label=disable (repeatable)',
    ).argParser(repeatable(securityOption)),
    new Option(
      '--privileged',
      "every capability and device, no filter, nothing hidden, and the host's own ids unless --userns auto is given",
    ),
  ],
  async collect({ capAdd, capDrop, privileged, securityOpt = [], userns }) {
    const said = Object.fromEntries(
      securityOpt
        .filter(({ key }) => key !== 'mask' && key !== 'unmask')
        .map(({ key, value }) => [key, value]),
    );
    const paths = (wanted: string) =>
      securityOpt.filter(({ key }) => key === wanted).flatMap(({ value }) => value.split(':'));
    const unmask = said.systempaths === undefined ? paths('unmask') : ['ALL'];
    return {
      capAdd,
      capDrop,
      privileged,
      ...(privileged === true && userns === undefined ? { userns: 'host' as const } : {}),
      noNewPrivileges:
        said['no-new-privileges'] === undefined ? undefined : said['no-new-privileges'] === 'true',
      mask: paths('mask'),
      unmask: unmask.some((path) => path.toUpperCase() === 'ALL') ? ('all' as const) : unmask,
      seccomp: await seccomp(said.seccomp),
    };
  },
};

interface SecurityOption {
  key: string;
  value: string;
}

const values: Record<string, RegExp> = {
  'no-new-privileges': /^(true|false)$/,
  seccomp: /./,
  mask: /^(\/[^:]+)(:\/[^:]+)*$/,
  unmask: /^(all|ALL|(\/[^:]+)(:\/[^:]+)*)$/,
  systempaths: /^unconfined$/,
  apparmor: /./,
  label: /./,
};

/** KEY=VALUE, or Docker's old KEY:VALUE. */
function securityOption(text: string): SecurityOption {
  const [, key = '', value = key === 'no-new-privileges' ? 'true' : ''] =
    /^([a-z-]+)(?:[=:](.*))?$/.exec(text) ?? [];
  if (!Object.hasOwn(values, key)) {
    throw new InvalidArgumentError(`${text} is no option: ${Object.keys(values).join(', ')} are.`);
  }
  if (values[key]?.test(value) !== true)
    throw new InvalidArgumentError(`${key} cannot be ${value === '' ? 'empty' : value}.`);
  // Containers are given no label and no profile of their own, so that switching that off is all there is.
  if ((key === 'apparmor' && value !== 'unconfined') || (key === 'label' && value !== 'disable')) {
    throw new InvalidArgumentError(
      `berth does not set ${key === 'label' ? 'SELinux labels' : 'AppArmor profiles'} yet: only ${key}=${key === 'label' ? 'disable' : 'unconfined'} can be kept.`,
    );
  }
  return { key, value };
}

async function seccomp(value: string | undefined): Promise<Fragment['seccomp']> {
  if (value === undefined || value === 'unconfined') return value;
  if (value === 'builtin') return undefined;
  const { readSeccompProfile } = await import('./seccomp-profile.js');
  return { profile: readSeccompProfile(value) };
}
