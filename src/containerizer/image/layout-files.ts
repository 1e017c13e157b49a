import path from 'node:path';
import type { Digest } from '../../oci-spec/digest.js';
import { hexOf } from '../../oci-spec/digest.js';

/** The files of a layout by their names in it, wherever they are kept. */
export interface LayoutFiles {
  /** What holds them, in words. */
  place: string;
  /** Their content has been checked against the digests in their names, and nobody else changes them. */
  verified: boolean;
  /** The file `index.json`, `blobs/sha256/…`; undefined when it is known to be missing. */
  path(name: string): string | undefined;
}

export function folderFiles(directory: string): LayoutFiles {
  return { place: directory, verified: false, path: (name) => path.join(directory, name) };
}

/** The name of a blob in an OCI layout; the store has the same shape (image-layout.md). */
export function blobName(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}
