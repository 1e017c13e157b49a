import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A text file of the project: its path from the project's top, and its content. */
export interface SourceFile {
  path: string;
  text: string;
}

export const projectFolder = fileURLToPath(new URL('../../', import.meta.url));

/** Every file below these folders (from the project's top) with one of these endings, sorted. `out/` holds built images. */
export function sourceFiles(folders: readonly string[], endings: readonly string[]): SourceFile[] {
  return folders
    .flatMap((folder) => listing(folder).map((name) => `${folder}/${name}`))
    .filter((path) => endings.some((ending) => path.endsWith(ending)) && !path.includes('/out/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(projectFolder + path, 'utf8') }));
}

/** A folder that the project does not have yet has no files. */
function listing(folder: string): string[] {
  try {
    return readdirSync(projectFolder + folder, { recursive: true, encoding: 'utf8' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
