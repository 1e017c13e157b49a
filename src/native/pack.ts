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
  /**
   * Writes a layer from a list of what is to be in it; the same list and content always give the same archive. Files are reached from `folder` by
   * descriptors, through no symbolic link. Fails with BAD_FILE or an errno; `path` is then the file, below `folder`.
   */
  packRecipe(request: PackRecipeRequest): Promise<BlobFacts>;
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

export interface PackRecipeRequest {
  folder: string;
  entries: readonly PackedEntry[];
  /** Of everything in it: seconds of the epoch. */
  time: number;
  output: Output;
  compression: 'none' | 'gzip' | 'zstd';
}

/** `to`: a path in the image with no slash at its ends, no `.` and no `..` in it. Of several for one path the last counts. */
export interface PackedEntry {
  kind: 'copy' | 'folder' | 'link' | 'text';
  to: string;
  /** What is copied, below the folder; what the link leads to; the text. */
  from: string;
  uid: number;
  gid: number;
  /** Of files, of a folder that is stated; of folders that are copied. */
  mode?: number;
  folderMode?: number;
}

export interface PackedTree extends BlobFacts {
  entries: number;
  fileBytes: number;
  /** tar has no word for sockets. */
  socketsSkipped: number;
}

/** `path`: the file that has the content. */
export type PackedMember = { name: string } & ({ path: string } | { content: string });
