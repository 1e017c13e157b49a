import { existsSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { native } from '../../native/index.js';
import { discardTorn } from '../../state/atomic-file.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { whenNobodyLaunches } from '../container/launch-lock.js';
import { tellImage } from '../events/tell.js';
import { discardLayers, discardUnwanted } from '../image/collect.js';
import { imageUsers } from '../image/image-user.js';
import { readNames, writeNames } from '../image/names.js';
import { requireRoot } from '../image/root-only.js';
import { discardDeadLocks, discardDeadSessions, emptyTrash, storePaths, trashPath } from '../image/store.js';
import {
  type CollectionPlan,
  type CollectPolicy,
  type LeavingImage,
  planCollection,
} from './collection-plan.js';

export interface Collection {
  images: LeavingImage[];
  downloads: CollectionPlan['downloads'];
  bytes: number;
  /** Percent of the disk that was in use before. */
  usedPercent: number;
}

/**
 * Removes what no image needs, images without a name, and those that the policy says; never one that a container needs. Waits for loads
 * and launches that are under way. On a full disk layers go first, which the index need not be written for: an image that lacks one is unpacked again.
 */
export async function collectImages(
  roots: Roots,
  policy: CollectPolicy,
  { dryRun }: { dryRun: boolean },
): Promise<Collection> {
  requireRoot('image gc');
  const paths = storePaths(roots);
  if (!existsSync(paths.index)) return { images: [], downloads: [], bytes: 0, usedPercent: 0 };
  const store = await FileLock.take(paths.storeLock);
  try {
    const plan = await planCollection(roots, policy);
    const { downloads, disk } = plan;
    const usedPercent = disk.used_percent;
    if (dryRun) return { images: plan.images, downloads, bytes: plan.bytes, usedPercent };
    const index = await FileLock.take(paths.indexLock);
    let images: LeavingImage[] = [];
    let bytes = 0;
    try {
      discardDeadSessions(roots);
      discardDeadLocks(roots);
      for (const file of [paths.index, paths.settings]) discardTorn(file);
      for (const { digest } of downloads) {
        const name = digest.slice('sha256:'.length);
        renameSync(path.join(paths.downloads, name), trashPath(roots, `download-${name}`));
      }
      await whenNobodyLaunches(roots, 'images', () => {
        const users = imageUsers(roots);
        // Somebody may have started a container meanwhile.
        images = plan.images.filter(({ manifestDigest }) => users(manifestDigest).length === 0);
        discardLayers(roots, new Set(images.map(({ manifestDigest }) => manifestDigest)));
      });
      bytes += await measureAndEmptyTrash(roots);
      await whenNobodyLaunches(roots, 'images', () => {
        const users = imageUsers(roots);
        images = images.filter(({ manifestDigest }) => users(manifestDigest).length === 0);
        forget(roots, images);
        discardUnwanted(roots);
      });
    } finally {
      index.release();
    }
    bytes += await measureAndEmptyTrash(roots);
    plan.uses.keep(roots, Object.keys(readNames(roots).images));
    return { images, downloads, bytes, usedPercent };
  } finally {
    store.release();
  }
}

function forget(roots: Roots, images: readonly LeavingImage[]): void {
  if (images.length === 0) return;
  const leaving = new Set(images.map(({ manifestDigest }) => manifestDigest));
  const names = readNames(roots);
  writeNames(roots, {
    ...names,
    images: Object.fromEntries(
      Object.entries(names.images).filter(([, { manifest_digest }]) => !leaving.has(manifest_digest)),
    ),
    manifests: names.manifests.filter((digest) => !leaving.has(digest)),
  });
  for (const { manifestDigest, names: own } of images) {
    for (const name of own) tellImage(roots, manifestDigest, name, 'untag');
    tellImage(roots, manifestDigest, own[0] ?? null, 'delete');
  }
}

async function measureAndEmptyTrash(roots: Roots): Promise<number> {
  const { trash } = storePaths(roots);
  const found = readdirSync(trash)
    .filter((name) => name.startsWith('image-'))
    .map((name) => path.join(trash, name));
  const sizes = await native().diskUsage(found);
  await emptyTrash(roots);
  return sizes.reduce((total, size) => total + size, 0);
}
