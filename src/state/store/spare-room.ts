import { randomFillSync } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Bytes: some ten thousand changes. */
const size = 4 * 1024 * 1024;
/** Milliseconds between attempts to get it back. */
const pause = 60_000;

/** Room on the disk that is kept for the moment when others have filled it: a file of no use, which is given up then. */
export class SpareRoom {
  private readonly file: string;
  private held = false;
  private tried = 0;

  constructor(folder: string) {
    this.file = path.join(folder, 'spare');
  }

  /** Takes room, unless it is held already or was not to be had a moment ago. Whether it is held. */
  take(now = Date.now()): boolean {
    if (this.held) return true;
    if (this.tried !== 0 && now - this.tried < pause) return false;
    this.tried = now;
    this.held = this.isWhole() || this.write();
    return this.held;
  }

  /** Gives it up. False: there is none. */
  release(now = Date.now()): boolean {
    if (!this.held) return false;
    this.held = false;
    this.tried = now;
    rmSync(this.file, { force: true });
    return true;
  }

  private isWhole(): boolean {
    return statSync(this.file, { throwIfNoEntry: false })?.size === size;
  }

  private write(): boolean {
    try {
      const handle = openSync(this.file, 'w', 0o600);
      try {
        // Not zeros: a file system that compresses would keep no room for them.
        const bytes = randomFillSync(Buffer.allocUnsafe(size));
        for (let at = 0; at < size; ) at += writeSync(handle, bytes, at);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      return true;
    } catch (error) {
      rmSync(this.file, { force: true });
      if (isFull(error)) return false;
      throw error;
    }
  }
}

/** Is it for want of room that something could not be written? */
export function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
