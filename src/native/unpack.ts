/** Image layers and the store's locks: native/addon/unpack.cc and lock.cc. */
export interface UnpackCalls {
  /**
   * Reads one layer's blob once: verifies size, digest and diff id, and extracts it (docs/reference/layers.md). After a failure
   * neither `target` nor `copy` exists. Fails with the codes of docs/reference/layers.md or an errno; `path` is then the entry
   * in the layer.
   */
  unpackLayer(request: UnpackRequest): Promise<UnpackedLayer>;
  /** What tells `unpackLayer` how much there is of a blob that is still being written. It must be ended, one way or the other. */
  blobGrowth(): BlobGrowth;
  growBlob(growth: BlobGrowth, size: number): void;
  /** `whole`: all of it is there. Else the unpacking fails with ECONNABORTED. */
  endBlob(growth: BlobGrowth, whole: boolean): void;
  /** What tells `unpackLayer` that the layers below are there, if they are unpacked at the same time. It must be settled, one way or the other. */
  layersBelow(): LayersBelow;
  /** `there`: all of them are. Else the unpacking fails with ECANCELED where it needs one. */
  settleBelow(below: LayersBelow, there: boolean): void;
  /** Removes a tree of any depth and any names, following no link. Nothing there is no error. */
  removeTree(path: string): Promise<void>;
  /** Puts files and folders on their disk (fdatasync(2)). What is not there any more is passed over. */
  syncFiles(paths: readonly string[]): Promise<void>;
  /**
   * Gives files below `folder` the mode `mark` once everything that is on their file system by now is on its disk (syncfs(2)). Waits only until a
   * process is there that does it, and ends then; it outlives this one. Takes the first 128.
   */
  markOnceSynced(folder: string, files: readonly string[], mark: number): Promise<void>;
}

declare const growth: unique symbol;
/** Made and read by the addon alone. */
export interface BlobGrowth {
  [growth]: true;
}

declare const below: unique symbol;
/** Made and read by the addon alone. */
export interface LayersBelow {
  [below]: true;
}

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

export interface UnpackRequest {
  blob: string;
  compression: Compression;
  /** Of the blob: SHA-256, 64 hexadecimal digits; bytes. */
  digest: string;
  size: number;
  /** SHA-256 of the tar archive within, 64 hexadecimal digits. */
  diffId: string;
  target: string;
  /** `overlay`: the layer becomes this one new file instead of `target`, which is not looked at. Fails with NO_IMAGE where only a folder can hold it. */
  image?: { file: string; identity: Buffer; memory: number };
  /** `overlay`: a layer directory for overlayfs above `lowers`; `tree`: a whole file system, layer upon layer. */
  mode: 'overlay' | 'tree';
  /** `overlay`: the directories of the layers below, topmost first. */
  lowers: string[];
  /** The lowers may still be on their way. */
  below?: LayersBelow;
  /** `tree`: `target` exists and holds the layers below. */
  overLower: boolean;
  /** A new file that gets the blob's bytes; empty for none. */
  copy: string;
  /** The blob is still being written, from its start on. Its digest is for its writer to check; the diff id is checked here. */
  growth?: BlobGrowth;
  limits: UnpackLimits;
}

export interface UnpackLimits {
  /** Bytes of the archive, and of the files in it without their holes. */
  bytes: number;
  /** Archive bytes for each byte of blob, counted from `ratioGrace` archive bytes on. */
  ratio: number;
  ratioGrace: number;
  /** Tar headers of every kind. */
  entries: number;
  /** Bytes of a name; components of a name. */
  pathLength: number;
  depth: number;
  /** Bytes of one pax header, and of one sparse map. */
  paxBytes: number;
  /** User and group ids are below this. */
  ids: number;
  /** Memory for directories that wait for their times. */
  directoryBytes: number;
}

export interface UnpackedLayer {
  entries: number;
  fileBytes: number;
  archiveBytes: number;
  whiteouts: number;
  devicesSkipped: number;
  xattrsSkipped: number;
  /** The layer hides every layer below it. */
  rootOpaque: boolean;
}

export interface LockCalls {
  /** Opens (making it) and locks a file; the lock lives as long as the descriptor or its copies. */
  lockFile(path: string, kind: LockKind): Promise<number>;
  /** The same without waiting: -1 when another holds it. */
  tryLockFile(path: string, kind: LockKind): number;
}

export type LockKind = 'shared' | 'exclusive';
