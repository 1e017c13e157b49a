import { closeSync, unlinkSync } from 'node:fs';
import { native } from '../native/index.js';
import type { LockKind } from '../native/unpack.js';

/** A held lock on a file (flock(2)). It dies with its holder, however that ends. */
export class FileLock {
  private constructor(
    private readonly path: string,
    private fd: number,
  ) {}

  /** Waits for the lock without blocking the event loop. The folder must exist. */
  static async take(path: string, kind: LockKind = 'exclusive'): Promise<FileLock> {
    return new FileLock(path, await native().lockFile(path, kind));
  }

  /** The lock, or undefined when another holds it. */
  static attempt(path: string, kind: LockKind = 'exclusive'): FileLock | undefined {
    const fd = native().tryLockFile(path, kind);
    return fd < 0 ? undefined : new FileLock(path, fd);
  }

  /** A copy of it holds the lock as long. */
  get descriptor(): number {
    return this.fd;
  }

  release(): void {
    if (this.fd < 0) return;
    closeSync(this.fd);
    this.fd = -1;
  }

  /** Releases it and takes the file away: only for an exclusive lock; who waits for it starts again on a new file. */
  discard(): void {
    if (this.fd < 0) return;
    unlinkSync(this.path);
    this.release();
  }
}
