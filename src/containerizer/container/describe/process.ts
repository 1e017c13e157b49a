import { BerthError } from '../../../errors/berth-error.js';
import type { ImageConfig } from '../../../oci-spec/image.js';
import type { RuntimeProcess } from '../../../oci-spec/runtime.js';
import type { ContainerOptions, Ulimit } from '../options.js';
import { defaultPath } from './defaults.js';

/** Entry point and command: a command of the caller's replaces the image's own, an entry point of the caller's both. */
export function commandLine(
  image: ImageConfig,
  { entrypoint, command }: Pick<ContainerOptions, 'entrypoint' | 'command'>,
): string[] {
  const ownCommand = entrypoint === undefined ? (image.config?.Cmd ?? []) : [];
  const line = [
    ...(entrypoint ?? image.config?.Entrypoint ?? []),
    ...(command.length > 0 ? command : ownCommand),
  ];
  if (line.length === 0 || line[0] === '') {
    throw new BerthError('USAGE', {
      what: 'run',
      why:
        entrypoint === undefined
          ? 'the image names no command and none was given'
          : "--entrypoint takes the image's command away and none was given",
      mend: 'Add one: berth run IMAGE COMMAND [ARGUMENT...].',
    });
  }
  return line;
}

/** The image's variables, then the caller's; the last of each name counts. Nothing is ever taken from berth's own environment (CVE-2026-57231). */
export function environment(
  image: ImageConfig,
  own: readonly string[],
  hostname: string,
  terminal: boolean,
): string[] {
  return mergeVariables([
    `PATH=${defaultPath}`,
    `HOSTNAME=${hostname}`,
    ...(terminal ? ['TERM=xterm'] : []),
    ...(image.config?.Env ?? []),
    ...own,
  ]);
}

/** Each variable once, with its last value. */
function mergeVariables(entries: readonly string[]): string[] {
  const variables = new Map<string, string>();
  for (const entry of entries) {
    const equals = entry.indexOf('=');
    // An image may hold anything; what is no NAME=VALUE is no variable.
    if (equals > 0) variables.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

/** RLIM_INFINITY is all ones (getrlimit(2)); a JSON number of JavaScript's cannot say so, but -1 can. */
const unlimited = -1;

/** `--ulimit` as config.json has it; the last of each name counts. */
export function resourceLimits(ulimits: readonly Ulimit[]): NonNullable<RuntimeProcess['rlimits']> {
  const last = new Map(ulimits.map((limit) => [limit.name, limit]));
  return [...last.values()].map(({ name, soft, hard }) => ({
    type: `RLIMIT_${name.toUpperCase()}`,
    soft: soft ?? unlimited,
    hard: hard ?? unlimited,
  }));
}
