import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { digestOf } from '../../src/oci-spec/digest.js';
import { writeLayout } from '../layout/layout.js';
import { nodeImage, programPath, sharedLibraries } from './content.js';

/** Beside the layout's own files: what it was made from. */
const stampName = 'made-from';

/**
 * The image of this host's Node as an OCI layout in `directory`, which is made or replaced whole. Resolves to false when the one
 * that is there was made from the same files.
 */
export async function makeNodeImage(directory: string, signal?: AbortSignal): Promise<boolean> {
  const content = nodeImage();
  const stamp = stampOf(content);
  if (readIfThere(path.join(directory, stampName)) === stamp) return false;
  const unfinished = `${directory}.${process.pid}`;
  mkdirSync(path.dirname(directory), { recursive: true });
  try {
    await writeLayout(unfinished, content, signal);
    writeFileSync(path.join(unfinished, stampName), stamp);
    rmSync(directory, { recursive: true, force: true });
    renameSync(unfinished, directory);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return true;
}

/** Changes whenever the Node binary, one of its libraries or what is added to them does. */
function stampOf(content: ReturnType<typeof nodeImage>): string {
  const files = [programPath, ...sharedLibraries()].map((file) => {
    const { size, mtimeMs, ino } = statSync(file);
    return [file, size, mtimeMs, ino];
  });
  return `${digestOf(JSON.stringify({ files, content }))}\n`;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
