import path from 'node:path';
import type { CommandInfoURI } from '../../mesos/messages.js';
import { fetchFailure } from './failure.js';

export type Unpacking = 'tar' | 'zip' | 'gzip';

/** One file that a task asks for. */
export interface WantedFile {
  uri: string;
  source: { kind: 'web'; url: URL } | { kind: 'file'; path: string };
  /** In the sandbox, relative to it. */
  name: string;
  executable: boolean;
  unpacking: Unpacking | undefined;
  cache: boolean;
}

const endings: [RegExp, Unpacking][] = [
  [/\.(tar|tgz|tbz2|txz|tar\.gz|tar\.bz2|tar\.xz)$/, 'tar'],
  [/\.zip$/, 'zip'],
  [/\.gz$/, 'gzip'],
];

/** Reads what a command says of a file. Throws FETCH_FAILED. */
export function wantedFile({ value, executable, extract, cache, output_file }: CommandInfoURI): WantedFile {
  const source = sourceOf(value);
  const name = output_file ?? lastPart(source);
  if (name === '' || name === '.' || name === '..') throw fetchFailure(value, 'it names no file');
  if (path.isAbsolute(name)) throw fetchFailure(value, `output_file ${name} is not relative to the sandbox`);
  const unpacking = endings.find(([ending]) => ending.test(name))?.[1];
  return {
    uri: value,
    source,
    name,
    executable: executable === true,
    // What is to be run is no archive.
    unpacking: executable === true || extract === false ? undefined : unpacking,
    cache: cache === true,
  };
}

function sourceOf(value: string): WantedFile['source'] {
  const text = value.trim();
  if (text.startsWith('/')) return { kind: 'file', path: text };
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw fetchFailure(value, 'it is neither a URL nor an absolute path');
  }
  if (scheme === 'http' || scheme === 'https') return { kind: 'web', url };
  if (scheme !== 'file') throw fetchFailure(value, `${scheme}: is none of http, https and file`);
  if (url.hostname !== '' && url.hostname !== 'localhost')
    throw fetchFailure(value, `the file is on another host, ${url.hostname}`);
  return { kind: 'file', path: decodeURIComponent(url.pathname) };
}

function lastPart(source: WantedFile['source']): string {
  if (source.kind === 'file') return path.posix.basename(source.path);
  try {
    return path.posix.basename(decodeURIComponent(source.url.pathname));
  } catch {
    return path.posix.basename(source.url.pathname);
  }
}
