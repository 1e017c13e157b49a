import { readdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { native } from '../../native/index.js';
import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { imageUsers } from '../image/image-user.js';
import { readNames } from '../image/names.js';
import { partsOf } from '../image/parts.js';
import { blobFile, storePaths } from '../image/store.js';
import { LastUses } from './last-use.js';

export interface CollectPolicy {
  /** RFC 3339. Images with a name go if they came earlier, and were last used earlier: those of the two that are given. */
  loadedBefore?: string;
  unusedSince?: string;
  /** Percent of the disk. From `high` on the images go that were used longest ago, until `low` is reached. */
  high?: number;
  low?: number;
  /** Names that stay. */
  keep: readonly string[];
}

/** An image that goes. `bytes`: what goes with it and with those before it alone. */
export interface LeavingImage {
  names: string[];
  manifestDigest: Digest;
  lastUsed: string;
  bytes: number;
}

export interface CollectionPlan {
  images: LeavingImage[];
  /** Parts of blobs whose image has not come, and that nobody fetches. */
  downloads: { digest: string; bytes: number; touched: string }[];
  /** What no image needs. */
  orphans: string[];
  bytes: number;
  disk: { total: number; used_percent: number };
  uses: LastUses;
}

interface Known {
  digest: Digest;
  names: string[];
  parts: string[];
  loadedAt: number;
  lastUsed: number;
}

/** What of the store would go. The caller holds the store's lock alone. */
export async function planCollection(roots: Roots, policy: CollectPolicy): Promise<CollectionPlan> {
  const { layers, blobs } = storePaths(roots);
  const index = readNames(roots);
  const uses = LastUses.read(roots);
  const known = index.manifests.map((digest): Known => {
    const named = Object.entries(index.images).filter(([, each]) => each.manifest_digest === digest);
    const names = named.map(([name]) => name);
    const loadedAt = Math.max(
      storedAt(roots, digest),
      ...named.map(([, each]) => Date.parse(each.loaded_at)),
    );
    const parts = partsOf(roots, digest, index);
    return { digest, names, parts, loadedAt, lastUsed: uses.of(names, loadedAt) };
  });
  const all = [layers, blobs].flatMap((folder) => childrenOf(folder));
  const downloads = downloadsOf(roots);
  const paths = [...all, ...downloads.map(({ file }) => file)];
  const measured = await native().diskUsage(paths);
  const sizes = new Map(paths.map((each, i) => [each, measured[i] ?? 0]));

  const users = imageUsers(roots);
  const kept = new Set(policy.keep);
  const free = known.filter(
    ({ digest, names }) => users(digest).length === 0 && !names.some((n) => kept.has(n)),
  );
  const needs = new Map<string, number>();
  for (const { parts } of known) for (const part of parts) needs.set(part, (needs.get(part) ?? 0) + 1);
  const orphans = all.filter((part) => !needs.has(part));
  const disk = await diskOf(roots);
  const full = policy.high !== undefined && disk.used_percent >= policy.high;
  const staleDownloads = downloads.filter(({ touched }) => full || touched < downloadLimit(policy));

  let bytes = sum([...orphans, ...staleDownloads.map(({ file }) => file)], sizes);
  const images: LeavingImage[] = [];
  const leave = ({ digest, names, parts, lastUsed }: Known): void => {
    const alone = parts.filter((part) => {
      const left = (needs.get(part) ?? 0) - 1;
      needs.set(part, left);
      return left === 0;
    });
    const own = sum(alone, sizes);
    bytes += own;
    images.push({ names, manifestDigest: digest, lastUsed: new Date(lastUsed).toISOString(), bytes: own });
  };
  const due = free.filter((image) => image.names.length === 0 || isOld(image, policy));
  for (const image of due) leave(image);
  if (full) {
    const wanted = ((disk.used_percent - (policy.low ?? policy.high ?? 0)) / 100) * disk.total;
    const rest = free.filter((image) => !due.includes(image)).sort((a, b) => a.lastUsed - b.lastUsed);
    for (const image of rest) {
      if (bytes >= wanted) break;
      leave(image);
    }
  }
  return {
    images,
    downloads: staleDownloads.map(({ file, touched }) => ({
      digest: `sha256:${path.basename(file)}`,
      bytes: sizes.get(file) ?? 0,
      touched: new Date(touched).toISOString(),
    })),
    orphans,
    bytes,
    disk,
    uses,
  };
}

function isOld({ loadedAt, lastUsed }: Known, { loadedBefore, unusedSince }: CollectPolicy): boolean {
  if (loadedBefore === undefined && unusedSince === undefined) return false;
  const before = (at: number, limit: string | undefined) => limit === undefined || at < Date.parse(limit);
  return before(loadedAt, loadedBefore) && before(lastUsed, unusedSince);
}

/** Without an age all of them go: nobody fetches while the store is held alone. */
function downloadLimit({ loadedBefore, unusedSince }: CollectPolicy): number {
  const limit = unusedSince ?? loadedBefore;
  return limit === undefined ? Number.POSITIVE_INFINITY : Date.parse(limit);
}

/** As df(1) counts: of what others than root may use. */
async function diskOf(roots: Roots): Promise<CollectionPlan['disk']> {
  const { blocks, bfree, bavail, bsize } = await statfs(storePaths(roots).base);
  const total = blocks - bfree + bavail;
  return { total: total * bsize, used_percent: total === 0 ? 0 : ((blocks - bfree) / total) * 100 };
}

function storedAt(roots: Roots, digest: Digest): number {
  return statSync(blobFile(roots, digest), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function downloadsOf(roots: Roots): { file: string; touched: number }[] {
  return childrenOf(storePaths(roots).downloads).flatMap((file) => {
    const touched = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    return touched === undefined ? [] : [{ file, touched }];
  });
}

function childrenOf(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => path.join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function sum(paths: readonly string[], sizes: ReadonlyMap<string, number>): number {
  return paths.reduce((total, each) => total + (sizes.get(each) ?? 0), 0);
}
