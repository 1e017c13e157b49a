import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { BerthError } from '../../errors/berth-error.js';
import { native } from '../../native/index.js';
import { places, type Roots } from '../../state/roots.js';
import { type Container, listContainers, shownState } from '../container/catalogue.js';
import { volumesWithUsers } from '../container/volume-users.js';
import { imageUsers } from '../image/image-user.js';
import { readNames } from '../image/names.js';
import { partsOf } from '../image/parts.js';
import { storePaths } from '../image/store.js';
import { volumeFolder } from '../volume/store.js';

/** What one kind of thing takes of the disk, in bytes. `reclaimable`: what would be free again without those that nothing uses. */
export interface Share<Item> {
  count: number;
  active: number;
  size: number;
  reclaimable: number;
  items: Item[];
}

export interface ImageItem {
  /** Empty: it has none any more. */
  names: string[];
  digest: string;
  /** With all of its layers, and their blobs where they are kept. */
  size: number;
  /** Of that: what other images have too. */
  shared_size: number;
  unique_size: number;
  /** Ids. */
  containers: string[];
}

export interface ContainerItem {
  id: string;
  name: string;
  image: string;
  state: string;
  /** What it has written, its log and records. */
  size: number;
}

export interface VolumeItem {
  name: string;
  size: number;
  containers: string[];
}

export interface CacheItem {
  /** Below the root. */
  path: string;
  size: number;
}

/** What an installation takes of the disk. What several have in common counts once; blocks count, not lengths. */
export interface DiskReport {
  images: Share<ImageItem>;
  containers: Share<ContainerItem>;
  volumes: Share<VolumeItem>;
  cache: Share<CacheItem>;
}

export async function reportDisk(roots: Roots, onDamaged: (damage: BerthError) => void): Promise<DiskReport> {
  const store = storePaths(roots);
  const parts = [store.layers, store.blobs].flatMap((folder) =>
    namesIn(folder).map((name) => path.join(folder, name)),
  );
  const containers = listContainers(roots, onDamaged);
  const volumes = volumesWithUsers(roots);
  const cache = [places.cache(roots), places.trash(roots), store.downloads, store.sessions];
  const paths = [
    ...parts,
    ...containers.map(({ document }) => places.container(roots, document.id)),
    ...volumes.map(({ document }) => volumeFolder(roots, document.name)),
    ...cache,
  ];
  const measured = await native().diskUsage(paths);
  const sizes = new Map(paths.map((each, index) => [each, measured[index] ?? 0]));
  const sizeOf = (place: string) => sizes.get(place) ?? 0;
  return {
    images: imageShare(roots, parts, sizeOf),
    containers: containerShare(roots, containers, sizeOf),
    volumes: shareOf(
      volumes.map(({ document, usedBy }) => ({
        name: document.name,
        size: sizeOf(volumeFolder(roots, document.name)),
        containers: usedBy,
      })),
      (volume) => volume.containers.length > 0,
    ),
    cache: shareOf(
      cache.map((place) => ({ path: path.relative(roots.root, place), size: sizeOf(place) })),
      () => false,
    ),
  };
}

type SizeOf = (place: string) => number;

/** `parts`: every layer and blob that the store has, needed or not. */
function imageShare(roots: Roots, parts: readonly string[], sizeOf: SizeOf): Share<ImageItem> {
  const users = imageUsers(roots);
  const index = readNames(roots);
  const { images, manifests } = index;
  const known = manifests.map((digest) => ({
    digest,
    names: Object.keys(images).filter((name) => images[name]?.manifest_digest === digest),
    containers: users(digest),
    parts: partsOf(roots, digest, index),
  }));
  const owners = new Map<string, number>();
  for (const image of known) for (const part of image.parts) owners.set(part, (owners.get(part) ?? 0) + 1);
  const sum = (places: Iterable<string>) => [...places].reduce((total, each) => total + sizeOf(each), 0);
  const needed = new Set(
    known.filter(({ containers }) => containers.length > 0).flatMap((each) => each.parts),
  );
  const size = sum(parts);
  return {
    count: known.length,
    active: known.filter(({ containers }) => containers.length > 0).length,
    size,
    reclaimable: size - sum(parts.filter((part) => needed.has(part))),
    items: known.map(({ digest, names, containers, parts: own }) => {
      const shared = sum(own.filter((part) => (owners.get(part) ?? 0) > 1));
      const whole = sum(own);
      return { names, digest, size: whole, shared_size: shared, unique_size: whole - shared, containers };
    }),
  };
}

function containerShare(roots: Roots, containers: Container[], sizeOf: SizeOf): Share<ContainerItem> {
  const items = containers.map((container) => {
    const { id, name, image } = container.document;
    return { id, name, image, state: shownState(container), size: sizeOf(places.container(roots, id)) };
  });
  return shareOf(items, ({ state }) => state === 'running' || state === 'paused');
}

function shareOf<Item extends { size: number }>(
  items: Item[],
  isActive: (item: Item) => boolean,
): Share<Item> {
  const sum = (some: Item[]) => some.reduce((total, { size }) => total + size, 0);
  const active = items.filter(isActive);
  const size = sum(items);
  return { count: items.length, active: active.length, size, reclaimable: size - sum(active), items };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
