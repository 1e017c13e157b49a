import { renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../errors/berth-error.js';

/** A name beside `target` under which something is made that takes its place when it is whole. */
export function neighbour(target: string): string {
  return path.join(path.dirname(target), `.${path.basename(target)}.berth-${process.pid}`);
}

/** A file that a person asked for: `make` writes it under another name, and it appears when it is complete, or not at all. */
export async function makeOutputFile<T>(file: string, make: (making: string) => Promise<T>): Promise<T> {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw new BerthError('USAGE', {
      what: `output ${file}`,
      why: 'it is a folder',
      mend: 'Name the file that is to be written.',
    });
  }
  const making = neighbour(file);
  try {
    const made = await make(making);
    renameSync(making, file);
    return made;
  } catch (error) {
    rmSync(making, { force: true });
    throw error;
  }
}
