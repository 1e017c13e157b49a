import { realpathSync, renameSync } from 'node:fs';
import path from 'node:path';
import { packLayer } from '../../src/containerizer/build/build-image.js';
import { type Digest, hexOf } from '../../src/oci-spec/digest.js';
import type { Descriptor } from '../../src/oci-spec/image.js';

/** One entry of a layer. Paths are relative to the root of the image and have no `./` in front. */
export type LayerEntry = { path: string; mode: number; owner?: number } & (
  | { kind: 'directory' }
  | { kind: 'symlink'; target: string }
  | { kind: 'text'; text: string }
  /** The content of a file of this host; symbolic links are followed. */
  | { kind: 'copy'; from: string }
);

export interface WrittenLayer {
  descriptor: Descriptor;
  /** Of the tar archive itself (config.md, "Layer DiffID"). */
  diffId: Digest;
}

/** Writes a gzipped layer into a folder of blobs, as `berth image build` does: the same entries give the same bytes. */
export async function writeLayer(
  blobs: string,
  entries: readonly LayerEntry[],
  signal?: AbortSignal,
): Promise<WrittenLayer> {
  signal?.throwIfAborted();
  const unfinished = path.join(blobs, `.layer-${process.pid}`);
  const made = await packLayer(
    unfinished,
    entries.map((entry) => ({
      ...sourceOf(entry),
      ...{ to: entry.path, mode: entry.mode, uid: entry.owner ?? 0, gid: entry.owner ?? 0 },
    })),
    { context: '/', compression: 'gzip' },
    'a layer',
  );
  signal?.throwIfAborted();
  const digest: Digest = `sha256:${made.digest}`;
  renameSync(unfinished, path.join(blobs, hexOf(digest)));
  return {
    descriptor: { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: made.size },
    diffId: `sha256:${made.diffId}`,
  };
}

function sourceOf(entry: LayerEntry) {
  switch (entry.kind) {
    case 'directory':
      return { kind: 'folder' as const, from: '' };
    case 'symlink':
      return { kind: 'link' as const, from: entry.target };
    case 'text':
      return { kind: 'text' as const, from: entry.text };
    case 'copy':
      return { kind: 'copy' as const, from: realpathSync(entry.from).slice(1) };
  }
}
