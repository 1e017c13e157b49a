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

/**
 * The ids of the store's layers that containers of an image have below them, as their own records name them (launch-facts.ts, kept-request.ts): for when nothing else
 * tells what the image is made of.
 */
export function layersInUse(roots: Roots, manifestDigest: string): string[] {
  const found = imageUsers(roots)(manifestDigest).flatMap((id) =>
    [places.containers(roots), places.running(roots)].flatMap((folder) =>
      ['request.json', 'launch.json'].flatMap((name) => [
        ...(readText(path.join(folder, id, name)) ?? '').matchAll(/"images\/layers\/([0-9a-f]+)\//g),
      ]),
    ),
  );
  return [...new Set(found.map(([, layer = '']) => layer))];
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
