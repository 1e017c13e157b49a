import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';

/** One side of `berth cp`. */
export type CopySide =
  | { kind: 'stream' }
  | { kind: 'host'; path: string }
  | { kind: 'container'; container: string; path: string };

/** `CONTAINER:PATH`, `-`, or a path of the host: what is absolute or begins with a dot is one whatever it holds. */
export function parseCopySide(text: string): CopySide {
  if (text === '') throw new BerthError('USAGE', { what: 'cp', why: 'a path is empty' });
  if (text === '-') return { kind: 'stream' };
  const colon = text.indexOf(':');
  if (path.isAbsolute(text) || text.startsWith('.') || colon <= 0) return { kind: 'host', path: text };
  const place = text.slice(colon + 1);
  if (place === '') {
    throw new BerthError('USAGE', {
      what: text,
      why: 'it names a container and no path in it',
      mend: `For its root directory: ${text}/`,
    });
  }
  return { kind: 'container', container: text.slice(0, colon), path: place };
}

/** A path as the copying program is told it. */
export interface CopyPath {
  /** Absolute, in its shortest form. */
  path: string;
  /** Its last part; `.` where what is in a folder is meant, without the folder. */
  name: string;
  /** A trailing slash or `/.` says that it is a folder. */
  folder: boolean;
}

/** Paths in a container start at its root, those of the host at the working directory. */
export function copyPath(text: string, base: string): CopyPath {
  const content = /(^|\/)\.$/.test(text);
  const whole = path.resolve(base, text);
  const name = content || whole === '/' ? '.' : path.basename(whole);
  return { path: whole, name, folder: content || text.endsWith('/') || /(^|\/)\.\.$/.test(text) };
}
