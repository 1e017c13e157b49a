import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';

/** Larger than any honest file of names: a container may write what it likes into its own. */
const mostBytes = 1 << 20;

/**
 * Changes a file that a container has mounted, so it must stay the same file. Whoever reads it meanwhile never sees half a line of the old one: it is padded to its old length before it is cut.
 */
export function rewriteInPlace(file: string, change: (text: string) => string): void {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    if (size > mostBytes) return;
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
