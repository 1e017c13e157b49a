import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';

const MiB = 1 << 20;
const filler = '.filler';

/** A small file system of its own at a folder, in a mount namespace of this process's own. */
export class Disk {
  private constructor(readonly point: string) {}

  /** ext4 on a file, as a root has it. */
  static ext4(folder: string, name: string, mebibytes: number): Disk {
    const file = path.join(folder, `${name}.ext4`);
    writeFileSync(file, '');
    truncateSync(file, mebibytes * MiB);
    execFileSync('mkfs.ext4', ['-q', '-m', '0', file]);
    const disk = Disk.#at(folder, name);
    execFileSync('mount', ['-o', 'loop', file, disk.point]);
    return disk;
  }

  /** In memory, as /run is. */
  static memory(folder: string, name: string, mebibytes: number): Disk {
    const disk = Disk.#at(folder, name);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=755`, 'berth-torture', disk.point]);
    return disk;
  }

  static #at(folder: string, name: string): Disk {
    const point = path.join(folder, name);
    mkdirSync(point);
    return new Disk(point);
  }

  /** Until not one byte is left. */
  fill(): void {
    const file = openSync(path.join(this.point, filler), 'a');
    try {
      for (const size of [MiB, 4096, 512, 1]) {
        const bytes = Buffer.alloc(size, 'x');
        while (written(file, bytes));
      }
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    rmSync(path.join(this.point, filler), { force: true });
  }

  get free(): number {
    const { bavail, bsize } = statfsSync(this.point);
    return bavail * bsize;
  }

  unmount(): void {
    // Supervisors have mount namespaces of their own: what they hold goes with them.
    execFileSync('umount', ['--lazy', this.point]);
  }
}

function written(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
