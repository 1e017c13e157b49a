import type { UnpackLimits } from '../../native/unpack.js';

/** What a layer may ask of the host; docs/reference/layers.md explains each. */
export const defaultLimits: UnpackLimits = {
  bytes: 64 * 2 ** 30,
  // gzip cannot pass 1032; honest layers stay below 30, and the grace lets small ones be as empty as they like.
  ratio: 200,
  ratioGrace: 64 * 2 ** 20,
  entries: 1_000_000,
  pathLength: 4096,
  depth: 256,
  paxBytes: 2 ** 20,
  // A container has the ids 0 to 65535.
  ids: 65_536,
  directoryBytes: 32 * 2 ** 20,
};

/** For the names of a layer that becomes one file, while it does: a million of them. One with more becomes a folder. */
export const imageMemory = 192 * 2 ** 20;

/** One JSON document of an image. */
export const documentBytes = 4 * 2 ** 20;
/** Indexes within indexes. One is followed on each level, so this bounds what is read as well. */
export const indexDepth = 4;
/** Manifests and indexes that one index leads to. */
export const indexDocuments = 1000;
/** All of them together: they are in memory at once. Honest ones have a few thousand bytes each. */
export const indexBytes = 64 * 2 ** 20;
/** Members of one archive of images: a thousand images of a hundred layers. */
export const archiveMembers = 100_000;
