import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';

/** One record of a container's log, as the supervisor wrote it (the kubelet's CRI log format). */
export interface LogRecord {
  /** RFC 3339 with nanoseconds. */
  time: string;
  stream: 'stdout' | 'stderr';
  /** The line's bytes; `partial` when the line goes on in the next record of the stream. */
  text: Buffer;
  partial: boolean;
}

/** The records of one container, oldest first, across rotated files. A torn record, which a full disk leaves, is passed over. */
export function* readLogs(roots: Roots, id: string): Generator<LogRecord> {
  const folder = path.join(places.container(roots, id), 'logs');
  const files: string[] = [];
  for (let i = 1; existsSync(path.join(folder, `log.${i}`)); i++) files.unshift(`log.${i}`);
  if (existsSync(path.join(folder, 'log'))) files.push('log');
  for (const file of files) yield* parseLog(readFileSync(path.join(folder, file)));
}

export function* parseLog(bytes: Buffer): Generator<LogRecord> {
  let start = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
    const record = parseRecord(bytes.subarray(start, end));
    if (record !== undefined) yield record;
    start = end + 1;
  }
}

const head = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z) (stdout|stderr) ([PF]) $/;
const headLength = '2026-01-01T00:00:00.000000000Z stdout F '.length;

function parseRecord(line: Buffer): LogRecord | undefined {
  const match = head.exec(line.toString('latin1', 0, headLength));
  if (match === null) return undefined;
  return {
    time: match[1] ?? '',
    stream: match[2] === 'stderr' ? 'stderr' : 'stdout',
    text: line.subarray(headLength),
    partial: match[3] === 'P',
  };
}
