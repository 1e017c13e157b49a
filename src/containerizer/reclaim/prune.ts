import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { native } from '../../native/index.js';
import { places, type Roots } from '../../state/roots.js';
import { listContainers } from '../container/catalogue.js';
import { removeContainer } from '../container/remove.js';
import { pruneNetworks } from '../container/remove-network.js';
import { settle } from '../container/settle.js';
import { pruneVolumes, volumesWithUsers } from '../container/volume-users.js';
import { emptyTrash, trashPath } from '../image/store.js';
import { volumeFolder } from '../volume/store.js';
import { type PrunedImages, pruneImages } from './prune-images.js';

export interface PruneOptions {
  /** Images with a name too, and what is kept to be quick (compiled filters). */
  all: boolean;
  /** Volumes without a name too. */
  volumes: boolean;
  /** Only what was made earlier (RFC 3339). */
  before?: string;
  /** Told what was left because somebody is at it. */
  onLeft: (text: string) => void;
}

export interface Pruned {
  /** Ids. */
  containers: string[];
  networks: string[];
  volumes: string[];
  images: PrunedImages['images'];
  bytes: number;
}

/** Removes what is of no use to anything that runs: containers that have ended, and then what no container needs any more. */
export async function prune(roots: Roots, options: PruneOptions): Promise<Pruned> {
  const { all, volumes, before, onLeft } = options;
  const limit = before === undefined ? {} : { before };
  const ended = await pruneContainers(roots, { ...limit, onLeft });
  const networks = await pruneNetworks(roots, { ...limit, onLeft });
  const nothing = { volumes: [], bytes: 0 };
  const lonely = volumes ? await unlessBusy(nothing, onLeft, () => pruneLonelyVolumes(roots)) : nothing;
  const none = { images: [], bytes: 0 };
  const { images, bytes } = await unlessBusy(none, onLeft, () => pruneImages(roots, { all, ...limit }));
  return {
    containers: ended.containers,
    networks,
    volumes: lonely.volumes,
    images,
    bytes: ended.bytes + lonely.bytes + bytes + (all ? await dropCache(roots) : 0),
  };
}

/** Removes the containers that have ended or were never started; not one that somebody is starting. */
export async function pruneContainers(
  roots: Roots,
  { before, onLeft }: Pick<PruneOptions, 'before' | 'onLeft'>,
): Promise<{ containers: string[]; bytes: number }> {
  const containers: string[] = [];
  let bytes = 0;
  for (const found of listContainers(roots, (damage) => onLeft(damage.message))) {
    const container = settle(roots, found);
    const { id, created_at } = container.document;
    const young = before !== undefined && Date.parse(created_at) >= Date.parse(before);
    if (container.state === 'running' || young) continue;
    const [size = 0] = await native().diskUsage([places.container(roots, id)]);
    const removed = await unlessBusy(false, onLeft, async () => {
      await removeContainer(roots, container, { force: false });
      return true;
    });
    if (!removed) continue;
    containers.push(id);
    bytes += size;
  }
  return { containers, bytes };
}

/** Whoever needs one makes it anew. */
async function dropCache(roots: Roots): Promise<number> {
  const folder = places.cache(roots);
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder).map((name) => path.join(folder, name));
  const sizes = await native().diskUsage(files);
  const spare = path.join(folder, 'spare');
  await dropSpareFolders(roots, spare);
  for (const file of files) if (file !== spare) rmSync(file, { recursive: true, force: true });
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** A launch takes one by renaming it (native/sys/spare_folders.h), and so does this: no launch gets one that is half removed. */
async function dropSpareFolders(roots: Roots, spare: string): Promise<void> {
  if (!existsSync(spare)) return;
  mkdirSync(places.trash(roots), { recursive: true, mode: 0o700 });
  for (const name of readdirSync(spare)) {
    try {
      renameSync(path.join(spare, name), trashPath(roots, `spare-${name}`));
    } catch (error) {
      // A launch was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  await emptyTrash(roots);
}

async function pruneLonelyVolumes(roots: Roots): Promise<{ volumes: string[]; bytes: number }> {
  const names = volumesWithUsers(roots)
    .filter(({ usedBy, document }) => usedBy.length === 0 && document.anonymous)
    .map(({ document }) => document.name);
  const sizes = await native().diskUsage(names.map((name) => volumeFolder(roots, name)));
  const volumes = pruneVolumes(roots, false);
  return { volumes, bytes: volumes.reduce((sum, name) => sum + (sizes[names.indexOf(name)] ?? 0), 0) };
}

/** What is in use by now, or on its way, is left. */
async function unlessBusy<T>(
  otherwise: T,
  onLeft: (text: string) => void,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof BerthError) || !busy.has(error.code)) throw error;
    onLeft(error.message);
    return otherwise;
  }
}

const busy = new Set<string>(['CONTAINER_STATE', 'CONTAINER_NOT_FOUND', 'VOLUME_IN_USE']);
