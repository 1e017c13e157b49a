import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';

/** The file of `--cidfile`: claimed before anything is started, so that no container is without the file that was asked for. */
export class IdFile {
  private constructor(
    private readonly path: string,
    private fd: number,
  ) {}

  static claim(path: string): IdFile {
    try {
      return new IdFile(path, openSync(path, 'wx', 0o644));
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new BerthError('USAGE', {
        what: `--cidfile ${path}`,
        why: code === 'EEXIST' ? 'there is such a file already' : `it cannot be made: ${code}`,
        ...(code === 'EEXIST' ? { mend: 'Remove it, if its container is of no interest any more.' } : {}),
        cause,
      });
    }
  }

  write(id: string): void {
    writeSync(this.fd, id);
    this.#close();
  }

  /** There is no container that it could tell of. */
  discard(): void {
    this.#close();
    rmSync(this.path, { force: true });
  }

  #close(): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }
}
