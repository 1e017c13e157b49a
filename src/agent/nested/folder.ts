import { chmodSync, chownSync, closeSync, fstatSync, mkdirSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, native } from '../../native/index.js';
import type { SandboxOwner } from '../sandbox/sandbox.js';

/** A folder in a sandbox that somebody else's program writes to: held by a handle, so that what that program renames or links meanwhile leads nowhere. */
export class HeldFolder {
  private constructor(
    private readonly handle: number,
    /** It was not there before. */
    readonly isNew: boolean,
  ) {}

  /** Makes what is missing of `parts` below `folder`, whose own path nobody but root can change. Throws USAGE where something else is in the way. */
  static make(folder: string, parts: readonly string[]): HeldFolder {
    let held = new HeldFolder(native().openInFolder(folder, '/'), false);
    for (const part of parts) {
      const above = held;
      try {
        held = above.enter(part);
      } finally {
        above.close();
      }
    }
    return held;
  }

  /** Its path in this process, good while it is held; no link itself, for those that follow none. */
  get path(): string {
    return `/proc/self/fd/${this.handle}/.`;
  }

  give({ uid, gid }: SandboxOwner): void {
    chownSync(this.path, uid, gid);
    chmodSync(this.path, 0o755);
  }

  close(): void {
    closeSync(this.handle);
  }

  private enter(part: string): HeldFolder {
    let isNew = true;
    try {
      mkdirSync(`${this.path}/${part}`, 0o755);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      isNew = false;
    }
    const handle = this.look(part);
    if (handle !== undefined && fstatSync(handle).isDirectory()) return new HeldFolder(handle, isNew);
    if (handle !== undefined) closeSync(handle);
    throw new BerthError('USAGE', {
      what: `folder ${part} of the sandbox`,
      why: 'something else is in its place',
    });
  }

  /** Undefined: a link that leads nowhere in here. */
  private look(part: string): number | undefined {
    try {
      return native().openInFolder(this.path, part);
    } catch (error) {
      if (isNativeError(error) && lacking.has(error.code)) return undefined;
      throw error;
    }
  }
}

const lacking = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV']);
