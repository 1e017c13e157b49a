import { closeSync, fsyncSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '../../state/atomic-file.js';
import { places, type Roots } from '../../state/roots.js';
import type { ExitDocument } from './document.js';

/** The room that a supervisor has taken for its container's end while there was some (native/init/records.cc). */
const reserve = '.exit';

/** Records the end of a container whose supervisor was killed, on a full disk too. False: there is no room for it at all. */
export function recordExit(roots: Roots, id: string, exit: ExitDocument): boolean {
  const folder = places.run(roots, id);
  const file = path.join(folder, 'exit.json');
  const text = JSON.stringify(exit);
  try {
    writeWhole(file, text);
    return true;
  } catch (error) {
    if (!isFull(error)) throw error;
  }
  try {
    const fd = openSync(path.join(folder, reserve), 'r+');
    try {
      writeSync(fd, text);
      ftruncateSync(fd, Buffer.byteLength(text));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(path.join(folder, reserve), file);
    return true;
  } catch (error) {
    if (isFull(error) || (error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}
