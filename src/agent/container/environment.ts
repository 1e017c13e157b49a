import type { CommandInfo, EnvironmentVariable, Resource } from '../../mesos/messages.js';
import { sandboxPlace, unfit } from './workload.js';

/** `NAME=VALUE`, later ones win: what the agent says, then the task's own. */
export function environmentOf(
  { environment }: CommandInfo,
  resources: readonly Resource[],
  variables: Record<string, string>,
): string[] {
  const said = {
    MESOS_SANDBOX: sandboxPlace,
    MESOS_DIRECTORY: sandboxPlace,
    ...variables,
    ...ports(resources),
  };
  return [
    ...Object.entries(said).map(([name, value]) => `${name}=${value}`),
    ...(environment?.variables ?? []).map((each) => `${nameOf(each)}=${textOf(each)}`),
  ];
}

const portRanges = (resources: readonly Resource[]) =>
  resources
    .filter(({ name, type }) => name === 'ports' && type === 'RANGES')
    .flatMap(({ ranges }) => ranges?.range ?? []);

export function hasPort(resources: readonly Resource[], port: number): boolean {
  return portRanges(resources).some(({ begin, end }) => begin <= port && port <= end);
}

/** The lowest of its ports, in order: what fits in an environment. */
function portsOf(resources: readonly Resource[]): number[] {
  const all = portRanges(resources).flatMap(({ begin, end }) =>
    Array.from({ length: Math.min(end - begin + 1, mostPorts) }, (_, i) => begin + i),
  );
  return all.sort((a, b) => a - b).slice(0, mostPorts);
}

/** More would fill the environment. */
const mostPorts = 256;

function ports(resources: readonly Resource[]): Record<string, string> {
  const list = portsOf(resources);
  if (list.length === 0) return {};
  const numbered = list.map((port, i) => [`PORT${i}`, String(port)] as const);
  return { PORT: String(list[0]), PORTS: list.join(','), ...Object.fromEntries(numbered) };
}

function nameOf({ name }: EnvironmentVariable): string {
  if (name !== '' && !name.includes('=') && !name.includes('\0')) return name;
  throw unfit(`variable ${JSON.stringify(name)}`, 'that is no name of a variable');
}

function textOf({ name, type, value, secret }: EnvironmentVariable): string {
  if (type !== 'SECRET') return value ?? '';
  const data = secret?.value?.data;
  if (data === undefined)
    throw unfit(`variable ${name}`, 'its secret is a reference, and only values are known');
  return Buffer.from(data).toString('utf8');
}
