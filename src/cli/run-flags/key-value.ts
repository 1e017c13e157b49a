import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { BerthError } from '../../errors/berth-error.js';

/** `KEY=VALUE`, or KEY alone for an empty value. */
export function pair(text: string): [string, string] {
  const { key, value = '' } = split(text);
  if (key === '') throw new InvalidArgumentError('It is KEY=VALUE, or KEY.');
  return [key, value];
}

/** `NAME=VALUE`, or NAME for the value that this process has; nothing where it has none, as Docker does. */
export function variable(text: string): string[] {
  const { key, value } = split(text);
  if (key === '') throw new InvalidArgumentError('It is NAME=VALUE, or NAME.');
  return resolve(key, value);
}

/** The variables of `--env-file`s, in order. */
export function variablesOfFiles(files: readonly string[]): string[] {
  return files.flatMap((file) =>
    entries('--env-file', file).flatMap(({ key, value }) => resolve(key, value)),
  );
}

/** The labels of `--label-file`s, in order. */
export function labelsOfFiles(files: readonly string[]): [string, string][] {
  return files.flatMap((file) =>
    entries('--label-file', file).map(({ key, value = '' }): [string, string] => [key, value]),
  );
}

interface Entry {
  key: string;
  /** Undefined: the key stands alone. */
  value: string | undefined;
}

function split(text: string): Entry {
  const equals = text.indexOf('=');
  return equals < 0
    ? { key: text, value: undefined }
    : { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

function resolve(name: string, value = process.env[name]): string[] {
  return value === undefined ? [] : [`${name}=${value}`];
}

/**
 * Docker's format: a line is KEY=VALUE or KEY, blank before the key means nothing, the value is taken as it stands, `#` begins a line
 * of comment. There is no quoting.
 */
function entries(flag: string, file: string): Entry[] {
  const lines = read(flag, file)
    .replace(/^\uFEFF/, '')
    .split('\n');
  return lines.flatMap((line, index) => {
    const text = line.replace(/\r$/, '').trimStart();
    if (text === '' || text.startsWith('#')) return [];
    const entry = split(text);
    const why =
      entry.key === ''
        ? 'no name before the ='
        : /\s/.test(entry.key)
          ? 'a name has no blanks'
          : text.includes('\0')
            ? 'it contains a NUL byte'
            : undefined;
    if (why !== undefined) {
      throw new BerthError('USAGE', {
        what: `${flag} ${file}, line ${index + 1}`,
        why,
        mend: 'Each line is NAME=VALUE, NAME, or a # and a comment.',
      });
    }
    return [entry];
  });
}

function read(flag: string, file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new BerthError('USAGE', {
      what: `${flag} ${file}`,
      why: unreadable(cause),
      cause,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new BerthError('USAGE', { what: `${flag} ${file}`, why: 'it is no UTF-8 text', cause });
  }
}

/** Why a file that somebody names could not be read. */
export function unreadable(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
  return code === 'EISDIR' ? 'it is a folder' : `it cannot be read (${code})`;
}
