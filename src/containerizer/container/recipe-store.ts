import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';

const mostRecipes = 64;

/**
 * Writes one file, whole, behind the digest of its content, so that a torn or altered one is never believed. It is named by what it is for: the roots, and
 * the words of the command line.
 */
export function keepRecipe(roots: Roots, words: readonly string[], recipe: object): void {
  const folder = places.recipes(roots);
  const key = [roots.root, roots.state, ...words].map((word) => `${word}\0`).join('');
  const file = path.join(folder, sha256(key).toString('hex'));
  const content = Buffer.from(JSON.stringify(recipe));
  const temporary = `${file}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(temporary, Buffer.concat([sha256(content), content]), { mode: 0o600, flag: 'wx' });
    renameSync(temporary, file);
    removeOldest(folder);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function removeOldest(folder: string): void {
  const names = readdirSync(folder);
  if (names.length <= mostRecipes) return;
  const ages = names.map((name) => {
    const file = path.join(folder, name);
    return { file, written: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
  });
  ages.sort((a, b) => a.written - b.written);
  for (const { file } of ages.slice(0, names.length - mostRecipes)) rmSync(file, { force: true });
}

function sha256(content: Uint8Array | string): Buffer {
  return createHash('sha256').update(content).digest();
}
