import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { logLine } from './log-line.js';

/** Documents written between two turns of the event loop. */
const piece = 500;

/**
 * Writes every document to a file, whole or not at all, while they go on changing. Gives back its size in bytes.
 *
 * @param durable Resolves once the log has every change made so far: a snapshot may hold a late change and lack an early one, and must not be believed
 *   before the log tells of both.
 */
export async function writeSnapshot(
  file: string,
  documents: ReadonlyMap<string, string>,
  durable: () => Promise<void>,
): Promise<number> {
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  let size = 0;
  try {
    let lines: string[] = [];
    const flush = async () => {
      const bytes = Buffer.from(lines.join(''), 'utf8');
      lines = [];
      size += bytes.length;
      await handle.appendFile(bytes);
    };
    // A Map's iterator takes in changes made meanwhile; the log has those too.
    for (const [name, document] of documents) {
      lines.push(logLine(name, document));
      if (lines.length >= piece) await flush();
    }
    await flush();
    await handle.datasync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await durable();
  await rename(temporary, file);
  const folder = await open(path.dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
  return size;
}
