import type { ContainerOptions } from '../../containerizer/container/options.js';
import type { Parameter } from '../../mesos/messages.js';
import { unfit } from './workload.js';

type Change = (options: ContainerOptions, value: string) => Partial<ContainerOptions>;

/** Flags of docker(1) that frameworks pass on as parameters. */
const changes: Record<string, Change> = {
  env: ({ env }, value) => ({ env: [...env, value] }),
  label: ({ labels }, value) => {
    const equals = value.indexOf('=');
    const [key, text] = equals < 0 ? [value, ''] : [value.slice(0, equals), value.slice(equals + 1)];
    return { labels: { ...labels, [key]: text } };
  },
  hostname: (_, value) => ({ hostname: value }),
  user: (_, value) => ({ user: value }),
  workdir: (_, value) => ({ workingDirectory: value }),
  entrypoint: (_, value) => ({ entrypoint: [value] }),
  'cap-add': ({ capAdd }, value) => ({ capAdd: [...capAdd, value] }),
  'cap-drop': ({ capDrop }, value) => ({ capDrop: [...capDrop, value] }),
  'read-only': (_, value) => ({ readOnly: value === 'true' || value === '' }),
  tmpfs: ({ tmpfs }, value) => {
    const [target = '', given = ''] = value.split(':');
    return { tmpfs: [...tmpfs, { target, options: given === '' ? [] : given.split(',') }] };
  },
  dns: ({ dns }, value) => ({ dns: [...dns, value] }),
  'dns-search': ({ dnsSearch }, value) => ({ dnsSearch: [...dnsSearch, value] }),
  'add-host': ({ addHosts }, value) => {
    const colon = value.indexOf(':');
    return { addHosts: [...addHosts, { name: value.slice(0, colon), address: value.slice(colon + 1) }] };
  },
  'stop-signal': (_, value) => ({ stopSignal: value }),
  sysctl: ({ sysctls }, value) => {
    const [name = '', ...rest] = value.split('=');
    return { sysctls: { ...sysctls, [name]: rest.join('=') } };
  },
};

/** The options with what parameters say; one that is not known is refused, not passed over. */
export function parametersOf(parameters: readonly Parameter[], options: ContainerOptions): ContainerOptions {
  let result = options;
  for (const { key, value } of parameters) {
    const change = Object.hasOwn(changes, key) ? changes[key] : undefined;
    if (change === undefined) throw unfit(`docker parameter ${key}`, 'it is not supported');
    result = { ...result, ...change(result, value) };
  }
  return result;
}
