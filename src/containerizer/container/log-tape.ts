import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { type LogRecord, parseRecord } from './log-record.js';

interface OpenFile {
  fd: number;
  inode: number;
  position: number;
  /** The beginning of a record whose end is not written yet. */
  rest: Buffer;
}

const chunkSize = 64 * 1024;

/**
 * A container's log across its rotated files, oldest first, while it is being written. Files are held open: what is rotated away under a reader is still read. Never
 * more than a record and a chunk are in memory.
 */
export class LogTape {
  readonly #folder: string;
  #files: OpenFile[] = [];
  /** Of the newest file that was ever opened. */
  #newest: number | undefined;
  /** Files went between two looks: the reader was too slow. */
  missed = false;

  constructor(folder: string) {
    this.#folder = folder;
    this.#openNewer();
  }

  /** How many lines of those that `wanted` lets pass end in what is there now. Reading starts at the beginning again. */
  countLines(wanted: (record: LogRecord) => boolean): number {
    let lines = 0;
    for (const file of this.#files) {
      for (const record of readOn(file)) if (!record.partial && wanted(record)) lines++;
      file.position = 0;
      file.rest = Buffer.alloc(0);
    }
    return lines;
  }

  /** What is there and was not read yet. */
  *records(): Generator<LogRecord> {
    for (;;) {
      this.#openNewer();
      const file = this.#files[0];
      if (file === undefined) return;
      // Nothing is added to a file once there is a newer one: read to its end now, it is done with.
      const last = this.#files.length === 1;
      yield* readOn(file);
      if (last && !this.#openNewer()) return;
      if (last) continue;
      closeSync(file.fd);
      this.#files.shift();
    }
  }

  close(): void {
    for (const { fd } of this.#files.splice(0)) closeSync(fd);
  }

  /** From the newest back to the last one known, so that none is left out while they are renamed: such a one is met twice. */
  #openNewer(): boolean {
    const found: OpenFile[] = [];
    for (let age = 0; ; age++) {
      const fd = openIfThere(path.join(this.#folder, age === 0 ? 'log' : `log.${age}`));
      // For a moment, while files are renamed, there is no newest one.
      if (fd === undefined && age > 0) break;
      if (fd === undefined) continue;
      const { ino: inode } = fstatSync(fd);
      if (inode === this.#newest || found.some((file) => file.inode === inode)) {
        closeSync(fd);
        if (inode === this.#newest) return this.#add(found);
      } else {
        found.unshift({ fd, inode, position: 0, rest: Buffer.alloc(0) });
      }
    }
    this.missed ||= this.#newest !== undefined && found.length > 0;
    return this.#add(found);
  }

  #add(found: OpenFile[]): boolean {
    this.#files.push(...found);
    this.#newest = found.at(-1)?.inode ?? this.#newest;
    return found.length > 0;
  }
}

function* readOn(file: OpenFile): Generator<LogRecord> {
  const chunk = Buffer.alloc(chunkSize);
  for (;;) {
    const length = readSync(file.fd, chunk, 0, chunkSize, file.position);
    if (length === 0) return;
    file.position += length;
    const bytes = Buffer.concat([file.rest, chunk.subarray(0, length)]);
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
      const record = parseRecord(bytes.subarray(start, end));
      start = end + 1;
      file.rest = bytes.subarray(start);
      if (record !== undefined) yield record;
    }
    file.rest = bytes.subarray(start);
  }
}

function openIfThere(file: string): number | undefined {
  try {
    return openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
