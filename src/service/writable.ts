import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';

/** Of these files and folders, and those that they lie in, the ones that others than root can exchange something in. */
export function othersWrite(places: readonly string[]): string[] {
  const found = new Set<string>();
  for (const each of places)
    for (let place = realpathSync(each); ; place = path.dirname(place)) {
      const { uid, mode } = statSync(place);
      // In a folder with the sticky bit nobody renames what is another's (inode(7)).
      const shared = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
      if (uid !== 0 || shared) found.add(place);
      if (place === path.dirname(place)) break;
    }
  return [...found];
}
