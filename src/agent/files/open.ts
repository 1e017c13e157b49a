import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { HttpError } from '../../http/http-error.js';
import { isNativeError, native } from '../../native/index.js';

/** Something in a sandbox, held by a handle: whatever the task renames meanwhile, it stays the same. */
export class SandboxEntry {
  private constructor(
    private readonly handle: number,
    readonly status: Stats,
  ) {}

  /** Links lead no further than the sandbox. Throws HttpError 404. */
  static open(folder: string, rest: string): SandboxEntry {
    let handle: number;
    try {
      handle = native().openInFolder(folder, rest === '' ? '/' : rest);
    } catch (error) {
      if (isNativeError(error) && lacking.has(error.code)) throw new HttpError(404, 'No such file or folder');
      throw error;
    }
    return new SandboxEntry(handle, fstatSync(handle));
  }

  /** Its place in this process, good while it is held. */
  get place(): string {
    return `/proc/self/fd/${this.handle}`;
  }

  /** A descriptor of a regular file, for reading. Nothing else is ever opened: a fifo would wait, a device might act. Throws HttpError 400. */
  openFile(): number {
    if (!this.status.isFile()) throw new HttpError(400, 'This is no regular file');
    return openSync(this.place, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  close(): void {
    closeSync(this.handle);
  }
}

/** What openat2(2) says of paths that are not there, or lead nowhere. */
const lacking = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EXDEV', 'EACCES', 'EINVAL']);
