import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { native } from '../../native/index.js';
import { type Digest, hexOf } from '../../oci-spec/digest.js';
import { FileLock } from '../../state/lock.js';
import { places, type Roots } from '../../state/roots.js';

/**
 * The image store of one root:
 *
 *     index.json          names → manifest digests
 *     settings.json       what is made of new layers, if that was said
 *     blobs/sha256/HEX    manifests, configurations and layers as they came, in the shape of an OCI layout
 *     layers/HEX32/       one layer: fs/ and layer.json, and if it is an image fs.erofs, mounted on fs/; HEX32 = the first 32 digits of its chain id
 *     downloads/HEX       the first bytes of a blob that a registry was asked for; complete ones wait for their image
 *     signatures/HEX/     what was signed of the image with that manifest, as it came
 *     sessions/           what is being made; swept when its maker is gone
 *     locks/              one for each layer being unpacked and each blob being fetched, one for the index, one for the store, one for readers
 *
 * Whoever adds holds the store's lock shared, whoever removes holds it alone; readers of finished things need none, but for layers that are mounted (idle-layers.ts).
 */
export function storePaths(roots: Roots) {
  const base = places.images(roots);
  return {
    base,
    index: path.join(base, 'index.json'),
    settings: path.join(base, 'settings.json'),
    blobs: path.join(base, 'blobs', 'sha256'),
    layers: path.join(base, 'layers'),
    downloads: path.join(base, 'downloads'),
    signatures: path.join(base, 'signatures'),
    sessions: path.join(base, 'sessions'),
    locks: path.join(base, 'locks'),
    storeLock: path.join(base, 'locks', 'store'),
    indexLock: path.join(base, 'locks', 'index'),
    readersLock: path.join(base, 'locks', 'readers'),
    blobLock: (hex: string) => path.join(base, 'locks', `blob-${hex}`),
    layerLock: (id: string) => path.join(base, 'locks', `layer-${id}`),
    trash: places.trash(roots),
  };
}

/** The store's own file of a blob. */
export function blobFile(roots: Roots, digest: Digest): string {
  return path.join(storePaths(roots).blobs, hexOf(digest));
}

/** Has the store a blob, all of it? After a power loss a file may be shorter than what was written to it. */
export function hasBlob(roots: Roots, { digest, size }: { digest: Digest; size: number }): boolean {
  return statSync(blobFile(roots, digest), { throwIfNoEntry: false })?.size === size;
}

/** Makes the store's folders, for root alone: a setuid file in a layer is out of every other user's reach. */
export function makeStore(roots: Roots): void {
  const paths = storePaths(roots);
  const { base, blobs, layers, downloads, signatures, sessions, locks, trash } = paths;
  for (const folder of [base, blobs, layers, downloads, signatures, sessions, locks, trash]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
}

/** A folder for what is being made. It goes when the session closes, or when the next one finds its maker dead. */
export class Session {
  private constructor(
    readonly directory: string,
    private readonly own: FileLock,
    private readonly store: FileLock,
  ) {}

  static async open(roots: Roots): Promise<Session> {
    makeStore(roots);
    const paths = storePaths(roots);
    const store = await FileLock.take(paths.storeLock, 'shared');
    try {
      await sweep(roots);
      const directory = path.join(paths.sessions, `${process.pid}-${Date.now().toString(36)}-${counter++}`);
      const own = await FileLock.take(`${directory}.lock`);
      mkdirSync(directory, { mode: 0o700 });
      return new Session(directory, own, store);
    } catch (error) {
      store.release();
      throw error;
    }
  }

  async close(): Promise<void> {
    try {
      await native().removeTree(this.directory);
      this.own.discard();
    } finally {
      this.own.release();
      this.store.release();
    }
  }
}

let counter = 0;

/** Takes away what dead sessions and interrupted removals left. */
async function sweep(roots: Roots): Promise<void> {
  discardDeadSessions(roots);
  sweepDownloads(storePaths(roots));
  await emptyTrash(roots);
}

/** Renames to the trash what the sessions of dead makers had made so far. */
export function discardDeadSessions(roots: Roots): void {
  const { sessions } = storePaths(roots);
  for (const file of readdirSync(sessions)) {
    if (!file.endsWith('.lock')) continue;
    const lock = FileLock.attempt(path.join(sessions, file));
    if (lock === undefined) continue;
    const name = path.basename(file, '.lock');
    const folder = path.join(sessions, name);
    if (existsSync(folder)) renameSync(folder, trashPath(roots, `session-${name}`));
    lock.discard();
  }
}

/** Removes the files of locks that nobody holds, as those that were killed leave them. */
export function discardDeadLocks(roots: Roots): void {
  const { locks, storeLock, indexLock, readersLock } = storePaths(roots);
  for (const name of readdirSync(locks)) {
    const file = path.join(locks, name);
    // Those are always there, and the caller may hold one.
    if (file !== storeLock && file !== indexLock && file !== readersLock) FileLock.attempt(file)?.discard();
  }
}

/** For so long what came of a blob waits for the next pull of it: a week, in milliseconds. */
const downloadLife = 7 * 24 * 3600 * 1000;

function sweepDownloads({ downloads, blobLock }: ReturnType<typeof storePaths>): void {
  for (const hex of readdirSync(downloads)) {
    const file = path.join(downloads, hex);
    const touched = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    if (touched === undefined || Date.now() - touched < downloadLife) continue;
    const lock = FileLock.attempt(blobLock(hex));
    // Somebody has just come back for it.
    if (lock === undefined) continue;
    rmSync(file, { force: true });
    lock.discard();
  }
}

const trashPrefix = 'image-';

/** Where a thing of the store is renamed to before it is removed: renaming needs no free space. */
export function trashPath(roots: Roots, name: string): string {
  return path.join(storePaths(roots).trash, `${trashPrefix}${name}-${process.pid}-${counter++}`);
}

/** Removes what the store has thrown away; two at once do no harm. */
export async function emptyTrash(roots: Roots): Promise<void> {
  const { trash } = storePaths(roots);
  for (const name of readdirSync(trash)) {
    if (!name.startsWith(trashPrefix)) continue;
    const folder = path.join(trash, name);
    // Whoever began to read a layer as it was thrown away may have mounted it once more.
    const mounted = path.join(folder, 'fs');
    if (existsSync(mounted)) native().unmountImage(mounted);
    await native().removeTree(folder);
  }
}
