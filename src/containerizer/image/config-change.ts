import { BerthError } from '../../errors/berth-error.js';
import type { ImageConfig } from '../../oci-spec/image.js';

type Settings = NonNullable<ImageConfig['config']>;

/**
 * Applies instructions as a Dockerfile has them, one a text: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR.
 * Commands are a JSON array, or a line for `/bin/sh -c`.
 */
export function changeConfig(settings: Settings, changes: readonly string[]): Settings {
  const now = { ...settings };
  for (const change of changes) Object.assign(now, changed(now, change));
  return now;
}

function changed(before: Settings, change: string): Settings {
  const [, word = '', rest = ''] = /^\s*(\S+)\s+(.*?)\s*$/s.exec(change) ?? [];
  switch (word.toUpperCase()) {
    case 'CMD':
      return { Cmd: command(rest, change) };
    case 'ENTRYPOINT':
      return { Entrypoint: command(rest, change) };
    case 'ENV':
      return { Env: environment(before.Env ?? [], pairs(rest, change)) };
    case 'LABEL':
      return { Labels: { ...before.Labels, ...Object.fromEntries(pairs(rest, change)) } };
    case 'EXPOSE':
      return {
        ExposedPorts: {
          ...before.ExposedPorts,
          ...Object.fromEntries(words(rest).map((port) => [portOf(port, change), {}])),
        },
      };
    case 'VOLUME':
      return {
        Volumes: {
          ...before.Volumes,
          ...Object.fromEntries((array(rest) ?? words(rest)).map((folder) => [folder, {}])),
        },
      };
    case 'USER':
      return { User: rest };
    case 'WORKDIR':
      return { WorkingDir: rest.startsWith('/') ? rest : `${before.WorkingDir ?? ''}/${rest}` };
    case 'STOPSIGNAL':
      return { StopSignal: rest };
    default:
      throw unknown(
        change,
        'it is none of CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR',
      );
  }
}

function unknown(change: string, why: string): BerthError {
  return new BerthError('USAGE', {
    what: `--change ${JSON.stringify(change)}`,
    why,
    mend: `For example: --change 'CMD ["sh"]' or --change 'ENV NAME=VALUE'.`,
  });
}

function array(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  } catch {
    // Docker reads what is not a JSON array as a line for the shell.
    return undefined;
  }
}

function command(text: string, change: string): string[] {
  if (text === '') throw unknown(change, 'it has no command');
  return array(text) ?? ['/bin/sh', '-c', text];
}

function environment(before: readonly string[], added: [string, string][]): string[] {
  const variables = new Map(
    before.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
  for (const [name, value] of added) variables.set(name, value);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

/** `A=1 B="two words"`, or `A the rest of the line`. */
function pairs(text: string, change: string): [string, string][] {
  if (!/^[^\s="]+=/.test(text)) {
    const [, name, value] = /^(\S+)\s+(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined) throw unknown(change, 'it sets nothing');
    return [[name, value]];
  }
  return words(text).map((word) => {
    const equals = word.indexOf('=');
    if (equals < 1) throw unknown(change, `${JSON.stringify(word)} is not NAME=VALUE`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

/** Split at blanks, with quotes and backslashes as in a shell. */
function words(text: string): string[] {
  const found = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/gs) ?? [];
  return found.map((word) =>
    word.replace(
      /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs,
      (_whole, double?: string, single?: string, escaped?: string) =>
        double === undefined ? (single ?? escaped ?? '') : double.replace(/\\(["\\$])/g, '$1'),
    ),
  );
}

function portOf(text: string, change: string): string {
  const [, number = '', protocol] = /^([0-9]{1,5})(\/(?:tcp|udp|sctp))?$/.exec(text) ?? [];
  if (number === '' || Number(number) > 65_535)
    throw unknown(change, `${JSON.stringify(text)} is not a port`);
  return `${number}${protocol ?? '/tcp'}`;
}
