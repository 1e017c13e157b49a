import { crc32 } from './crc32.js';

/** A change as a line of the log: its checksum, then the name of the document and the document, or the name alone where it was deleted. */
export function logLine(name: string, document: string | undefined): string {
  const body = document === undefined ? JSON.stringify(name) : `${JSON.stringify(name)} ${document}`;
  return `${crc32(body).toString(16).padStart(8, '0')} ${body}\n`;
}

export interface Change {
  name: string;
  /** JSON; undefined: deleted. */
  document: string | undefined;
}

/** Undefined: the line is not whole. */
export function parseLine(line: string): Change | undefined {
  const body = line.slice(9);
  if (line[8] !== ' ' || Number.parseInt(line.slice(0, 8), 16) !== crc32(body)) return undefined;
  // The end of the name, which may itself hold escaped quotes.
  const name = /^"(?:[^"\\]|\\.)*"/.exec(body)?.[0];
  if (name === undefined) return undefined;
  const rest = body.slice(name.length);
  if (rest !== '' && rest[0] !== ' ') return undefined;
  return { name: JSON.parse(name) as string, document: rest === '' ? undefined : rest.slice(1) };
}
