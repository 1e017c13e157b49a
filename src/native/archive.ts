import type { Compression, UnpackLimits } from './unpack.js';

/** Archives of images, and blobs made from others: native/addon/archive.cc. */
export interface ArchiveCalls {
  /**
   * Reads an archive of images once, plain or compressed, and writes the content of its n-th member to `folder`/n. Fails with the
   * codes of docs/reference/layers.md or an errno; the folder is the caller's to remove.
   */
  extractArchive(request: ExtractRequest): Promise<ArchiveMember[]>;
  /** Verifies a blob and writes it to a new file, as it is or compressed anew. After a failure there is no such file. */
  transcodeBlob(request: TranscodeRequest): Promise<BlobFacts>;
}

/** What is read: a file, or an open descriptor, which stays the caller's. */
export type Input = string | number;

export interface ExtractRequest {
  input: Input;
  /** An empty folder. */
  folder: string;
  members: number;
  limits: UnpackLimits;
}

export interface ArchiveMember {
  name: string;
  /** Of a link: where it leads. */
  link: string;
  type: 'file' | 'link' | 'symlink' | 'directory' | 'other';
  size: number;
  /** Of a file: SHA-256, 64 hexadecimal digits. */
  digest: string;
}

export interface TranscodeRequest {
  input: Input;
  /** A new file. */
  output: string;
  /** `detect`: the first bytes tell. */
  compression: Compression | 'detect';
  /** Null: not known, and so not checked. */
  digest: string | null;
  diffId: string | null;
  size: number | null;
  /** `keep`: the bytes stay as they are. */
  wanted: 'keep' | 'none' | 'gzip' | 'zstd';
  limits: UnpackLimits;
}

/** A blob, and the archive in it; digests are 64 hexadecimal digits. */
export interface BlobFacts {
  compression: Compression;
  digest: string;
  size: number;
  diffId: string;
  archiveBytes: number;
}
