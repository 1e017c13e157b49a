import { readFileSync } from 'node:fs';

/** Reads one of the kernel's small files, or a stand-in in tests; null when there is none or it may not be read. */
export type ReadFile = (path: string) => string | null;

export const readKernelFile: ReadFile = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};

/** The words of a space-separated list; null, as an absent file, has none. */
export function words(list: string | null): string[] {
  return list?.split(/\s+/).filter((word) => word !== '') ?? [];
}
