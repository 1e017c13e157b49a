import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { places, type Roots } from '../../state/roots.js';
import type { UsedBy } from './remove.js';

/** Looks through the records of all containers of a root, stopped or running, for the image's digest. */
export function imageUser(roots: Roots): UsedBy {
  return (manifestDigest) => {
    for (const folder of [places.containers(roots), places.running(roots)]) {
      for (const id of subfolders(folder)) {
        const record = readText(path.join(folder, id, 'container.json'));
        // One that cannot be read may be of this image: its digest as text is enough to keep the image.
        if (record?.includes(manifestDigest)) return id;
      }
    }
    return undefined;
  };
}

/** The ids of the containers that need an image, by the digest of its manifest; every record is read once. */
export function imageUsers(roots: Roots): (manifestDigest: string) => string[] {
  const records = [places.containers(roots), places.running(roots)].flatMap((folder) =>
    subfolders(folder).map((id) => ({ id, record: readText(path.join(folder, id, 'container.json')) })),
  );
  return (manifestDigest) => [
    ...new Set(records.filter(({ record }) => record?.includes(manifestDigest)).map(({ id }) => id)),
  ];
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
