import { writeSync } from 'node:fs';

/** What a shell reports for a program that SIGPIPE ended: 128 + 13. */
const readerGone = 141;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** What they are called where writing to them fails. */
export const outputs = { 1: 'standard output', 2: 'standard error' } as const;

/**
 * Writes in full to stdout (1) or stderr (2), terminal, file or pipe. A reader that has gone away ends the program as it would
 * any other; a full disk is the caller's to report.
 */
export function write(fd: 1 | 2, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') process.exit(readerGone);
      if (code !== 'EAGAIN') throw Object.assign(error as Error, { path: outputs[fd] });
      // Another program has made the shared pipe non-blocking, and it is full.
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
