import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';

/** Larger than any honest file of names: a container may write what it likes into its own. */
const mostBytes = 1 << 20;

/**
 * Opens a file that belongs to a container; undefined: it is gone, or the container keeps it from being used. Never waits: the container
 * may hold a lease on it, which stops whoever opens it for 45 s (fcntl(2), F_SETLEASE).
 */
function openTheirs(file: string, flags: number): number | undefined {
  let fd: number;
  try {
    fd = openSync(file, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'EAGAIN'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  const status = fstatSync(fd);
  if (status.isFile() && status.size <= mostBytes) return fd;
  closeSync(fd);
  return undefined;
}

/** The text of a file that a container has mounted; undefined: as above. */
export function readTheirs(file: string): string | undefined {
  const fd = openTheirs(file, constants.O_RDONLY);
  if (fd === undefined) return undefined;
  try {
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/**
 * Changes a file that a container has mounted, so it must stay the same file. Whoever reads it meanwhile never sees half a line of the old one: it is padded to its old length before it is cut.
 */
export function rewriteInPlace(file: string, change: (text: string) => string): void {
  const fd = openTheirs(file, constants.O_RDWR);
  if (fd === undefined) return;
  try {
    const { size } = fstatSync(fd);
    const before = readFileSync(fd, 'utf8');
    const after = change(before);
    if (after === before) return;
    const bytes = Buffer.from(after);
    writeSync(
      fd,
      Buffer.concat([bytes, Buffer.alloc(Math.max(0, size - bytes.length), '\n')]),
      0,
      undefined,
      0,
    );
    ftruncateSync(fd, bytes.length);
  } finally {
    closeSync(fd);
  }
}
