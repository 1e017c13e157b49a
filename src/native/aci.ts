import type { BlobFacts } from './archive.js';
import type { UnpackLimits } from './unpack.js';

/** App Container Images: native/addon/aci.cc. */
export interface AciCalls {
  /**
   * Reads an ACI once, plain or compressed, checks its layout, and writes what is in its `rootfs` to a new file, as a layer in gzip. Fails with the codes of
   * docs/reference/layers.md or an errno; after that there is no such file.
   */
  convertAci(request: ConvertRequest): Promise<AciFacts>;
}

export interface ConvertRequest {
  input: string;
  /** A new file. */
  output: string;
  /** Of the manifest, at most. */
  manifestBytes: number;
  /** The paths that the layer keeps, without a leading slash; null: all. */
  kept: string[] | null;
  limits: UnpackLimits;
}

export interface AciFacts {
  /** The file as it is; its `diffId` is SHA-256 of the archive in it. */
  image: BlobFacts;
  /** Of the archive in it: 128 hexadecimal digits. */
  sha512: string;
  manifest: Buffer;
  layer: BlobFacts;
}
