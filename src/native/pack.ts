import type { BlobFacts } from './archive.js';

/** Archives made of trees and of files: native/addon/pack.cc. */
export interface PackCalls {
  /**
   * Writes what a container shows, or what its topmost layer changes, as a tar archive. Nobody need hold still: no link is followed, and
   * what is gone meanwhile is passed over. Fails with the codes of docs/reference/layers.md or an errno; `path` is then the entry.
   */
  packTree(request: PackTreeRequest): Promise<PackedTree>;
  /** Writes files as a tar archive in this order; the same content always gives the same bytes. */
  packFiles(request: { members: PackedMember[]; output: Output }): Promise<void>;
  /** What the layers of `upper` change of those `below`: for each `A`, `C` or `D`, the path and a NUL. */
  treeChanges(request: TreeWalk): Promise<Buffer>;
}

/** What is written: a new file, which is removed after a failure, or an open descriptor, which stays the caller's. */
export type Output = string | number;

export interface TreeWalk {
  /** Directories of layers, topmost first: what is walked, and what it is compared with. */
  upper: string[];
  below: string[];
  /** Paths at which empty files and folders were made to mount something on; passed over unless a layer below has them. */
  hidden: string[];
  /** Components of a path, at most. */
  depth: number;
}

export interface PackTreeRequest extends TreeWalk {
  /** What is removed becomes a whiteout (image-spec, layer.md). */
  layer: boolean;
  output: Output;
  compression: 'none' | 'gzip' | 'zstd';
}

export interface PackedTree extends BlobFacts {
  entries: number;
  fileBytes: number;
  /** tar has no word for sockets. */
  socketsSkipped: number;
}

/** `path`: the file that has the content. */
export type PackedMember = { name: string } & ({ path: string } | { content: string });
