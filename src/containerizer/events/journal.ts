import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';
import { type BerthEvent, parseEvent } from './event.js';

interface OpenFile {
  number: number;
  fd: number;
  position: number;
  /** The beginning of a line whose end is not written yet. */
  rest: Buffer;
}

const chunkSize = 64 * 1024;

/**
 * The journal across its files, oldest first, while it is being written. A file is held open until it is taken away: somebody may have found it the newest, and
 * write to it when there is a newer one already.
 */
export class Journal {
  readonly #folder: string;
  readonly #files: OpenFile[] = [];

  constructor(roots: Roots) {
    this.#folder = places.events(roots);
  }

  /** The number of its oldest file, once it was read from; 1: nothing was taken away yet. */
  get first(): number {
    return this.#files[0]?.number ?? 1;
  }

  /** What is there and was not read yet; with `about` only what has that text in it. */
  *events(about = ''): Generator<BerthEvent> {
    const numbers = this.#openNewer();
    for (const file of this.#files) yield* readOn(file, about);
    const [oldest = 0] = numbers;
    while (this.#files[0] !== undefined && this.#files[0].number < oldest) this.#close();
  }

  close(): void {
    while (this.#files.length > 0) this.#close();
  }

  #close(): void {
    const file = this.#files.shift();
    if (file !== undefined) closeSync(file.fd);
  }

  /** Returns the numbers of all files, lowest first. */
  #openNewer(): number[] {
    const newest = this.#files.at(-1)?.number ?? 0;
    const numbers = numbersIn(this.#folder);
    for (const number of numbers) {
      if (number <= newest) continue;
      const fd = openIfThere(path.join(this.#folder, `${number}.jsonl`));
      if (fd !== undefined) this.#files.push({ number, fd, position: 0, rest: Buffer.alloc(0) });
    }
    return numbers;
  }
}

function* readOn(file: OpenFile, about: string): Generator<BerthEvent> {
  const chunk = Buffer.alloc(chunkSize);
  for (;;) {
    const length = readSync(file.fd, chunk, 0, chunkSize, file.position);
    if (length === 0) return;
    file.position += length;
    const bytes = Buffer.concat([file.rest, chunk.subarray(0, length)]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    file.rest = bytes.subarray(end);
    for (const line of bytes.toString('utf8', 0, end).split('\n')) {
      const event = line.includes(about) ? parseEvent(line) : undefined;
      if (event !== undefined) yield event;
    }
  }
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^[1-9]\d*\.jsonl$/.test(name))
      .map((name) => Number.parseInt(name, 10))
      .sort((a, b) => a - b);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
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
