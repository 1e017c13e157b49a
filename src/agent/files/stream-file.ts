import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parseRecord } from '../../containerizer/container/log-record.js';

export type Stream = 'stdout' | 'stderr';

/** A place in a log file, and how many bytes of each stream come before it. */
interface Mark {
  at: number;
  stdout: number;
  stderr: number;
}

interface Index {
  /** In rising order, the first at 0. */
  marks: Mark[];
  /** How far the file has been read. */
  end: Mark;
}

const chunkSize = 64 * 1024;
/** Bytes of the log between two marks: what has to be read to find a place. */
const markEvery = 256 * 1024;
const mostIndexes = 256;

/** By device and inode: a log that is rotated keeps them. */
const indexes = new Map<string, Index>();

/**
 * One stream of one log file as the plain text that the program wrote. Where it is read is found by an index that grows with the file, so that a reader who comes again
 * and again for what is new costs what is new.
 */
export class StreamFile {
  private constructor(
    private readonly fd: number,
    private readonly stream: Stream,
    private readonly index: Index,
    readonly mtime: Date,
  ) {}

  /** Undefined: there is no such log. */
  static async open(file: string, stream: Stream): Promise<StreamFile | undefined> {
    let fd: number;
    try {
      fd = openSync(file, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      const { dev, ino, mtime, size } = fstatSync(fd);
      const index = indexOf(`${dev}:${ino}`, size);
      await extend(fd, index);
      return new StreamFile(fd, stream, index, mtime);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  get size(): number {
    return this.index.end[this.stream];
  }

  /** Up to so many bytes from `offset` on. */
  read(offset: number, length: number): Buffer {
    const { stream, index } = this;
    let from = index.marks[0] ?? start;
    for (const mark of index.marks) if (mark[stream] <= offset) from = mark;
    const parts: Buffer[] = [];
    let passed = from[stream];
    let found = 0;
    walk(
      this.fd,
      { ...from },
      index.end.at,
      (text) => {
        const part = text.subarray(Math.max(0, offset - passed), Math.max(0, offset + length - passed));
        passed += text.length;
        if (part.length > 0) parts.push(Buffer.from(part));
        found += part.length;
        return found < length;
      },
      stream,
    );
    return Buffer.concat(parts);
  }

  close(): void {
    closeSync(this.fd);
  }
}

const start: Mark = { at: 0, stdout: 0, stderr: 0 };

function indexOf(key: string, size: number): Index {
  let index = indexes.get(key);
  // A file that has become shorter is another one, or has lost a torn record at its end.
  if (index === undefined || index.end.at > size) index = { marks: [start], end: { ...start } };
  indexes.delete(key);
  indexes.set(key, index);
  for (const oldest of indexes.keys()) {
    if (indexes.size <= mostIndexes) break;
    indexes.delete(oldest);
  }
  return index;
}

/** Reads what is new, with pauses in which others get their turn. */
async function extend(fd: number, index: Index): Promise<void> {
  for (;;) {
    const before = index.end.at;
    const { size } = fstatSync(fd);
    const end = { ...index.end };
    walk(fd, end, Math.min(size, before + markEvery), () => true);
    // Nothing but the beginning of a record is left.
    if (end.at === before) return;
    // Another reader was here meanwhile.
    if (index.end.at === before) {
      index.end = end;
      index.marks.push({ ...end });
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Calls back with the text of each whole record from `mark` on, of one stream or all, and moves the mark behind it, until `take` has enough. */
function walk(fd: number, mark: Mark, end: number, take: (text: Buffer) => boolean, only?: Stream): void {
  const chunk = Buffer.alloc(chunkSize);
  let rest = Buffer.alloc(0);
  let position = mark.at;
  for (;;) {
    const length = readSync(fd, chunk, 0, chunkSize, position);
    if (length === 0) return;
    position += length;
    const bytes = Buffer.concat([rest, chunk.subarray(0, length)]);
    let from = 0;
    for (let line = bytes.indexOf(0x0a); line >= 0; line = bytes.indexOf(0x0a, from)) {
      const record = parseRecord(bytes.subarray(from, line));
      mark.at += line + 1 - from;
      // The line's own end is the record's, which is right behind its text.
      const text = record && bytes.subarray(line - record.text.length, record.partial ? line : line + 1);
      from = line + 1;
      if (record !== undefined && text !== undefined) {
        mark[record.stream] += text.length;
        if ((only === undefined || record.stream === only) && !take(text)) return;
      }
      if (mark.at >= end) return;
    }
    rest = bytes.subarray(from);
  }
}
