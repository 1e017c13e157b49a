import type { UnpackLimits } from './unpack.js';

/** Folders that a task writes to, or that are filled for it from outside: native/addon/sandbox.cc. No name leads out of them. */
export interface SandboxCalls {
  /**
   * A handle (O_PATH) of what is at `path`, as if `folder` were `/`: links are followed inside it alone, and nothing is opened, so that neither a fifo nor a device
   * notices. The caller closes it.
   */
  openInFolder(folder: string, path: string): number;
  /**
   * A new file, open for writing, in place of the file or link that was there; folders above it are made. Fails with ESCAPE_ATTEMPT where the way goes through a
   * link, or an errno.
   */
  createInFolder(request: CreateRequest): number;
  /** Extracts a tar archive, compressed or not, over what is there. Fails with the codes of docs/reference/layers.md or an errno. */
  extractInFolder(request: ExtractInRequest): Promise<ExtractedIn>;
}

interface Owned {
  folder: string;
  /** Of everything that is made. */
  uid: number;
  gid: number;
}

export interface CreateRequest extends Owned {
  /** Relative to the folder. */
  name: string;
  mode: number;
  /** Components of a name. */
  depth: number;
}

export interface ExtractInRequest extends Owned {
  archive: string;
  limits: Omit<UnpackLimits, 'ids' | 'directoryBytes'>;
}

/** `skipped`: devices and fifos. Set-id bits and extended attributes are left out of all. */
export interface ExtractedIn {
  entries: number;
  fileBytes: number;
  skipped: number;
}
