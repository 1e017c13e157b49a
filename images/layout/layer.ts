import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack as tarPack } from 'tar-stream';
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

/**
 * Writes a gzipped layer into a folder of blobs. The same entries give the same bytes: sorted by path, at the epoch, by numbers
 * alone. Directories that no entry names are added, open to all.
 */
export async function writeLayer(
  blobs: string,
  entries: readonly LayerEntry[],
  signal?: AbortSignal,
): Promise<WrittenLayer> {
  signal?.throwIfAborted();
  const unfinished = path.join(blobs, `.layer-${process.pid}`);
  // An entry that cannot be read ends the writing too: neither waits for the other.
  const unreadable = new AbortController();
  const pack = tarPack();
  const archive = new Meter();
  const packed = new Meter();
  // Level 1: a Node is mostly machine code; more effort takes three times as long to save a twentieth.
  const gzip = createGzip({ level: 1, chunkSize: 256 * 1024 });
  const written = pipeline(pack, archive, gzip, packed, createWriteStream(unfinished), {
    signal: AbortSignal.any([unreadable.signal, ...(signal === undefined ? [] : [signal])]),
  });
  const filled = fill(pack, complete(entries)).catch((error: unknown) => {
    unreadable.abort();
    throw error;
  });
  await Promise.all([filled, written]);
  const digest = packed.digest();
  renameSync(unfinished, path.join(blobs, hexOf(digest)));
  return {
    descriptor: { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: packed.size },
    diffId: archive.digest(),
  };
}

/** Passes bytes on and knows their digest and number. */
class Meter extends Transform {
  readonly #hash = createHash('sha256');
  size = 0;

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: null, chunk: Buffer) => void,
  ): void {
    this.#hash.update(chunk);
    this.size += chunk.length;
    done(null, chunk);
  }

  /** Once all has passed. */
  digest(): Digest {
    return `sha256:${this.#hash.digest('hex')}`;
  }
}

function complete(entries: readonly LayerEntry[]): LayerEntry[] {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  for (const entry of entries) {
    for (let folder = path.posix.dirname(entry.path); folder !== '.'; folder = path.posix.dirname(folder)) {
      if (!byPath.has(folder)) byPath.set(folder, { path: folder, mode: 0o755, kind: 'directory' });
    }
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function fill(pack: ReturnType<typeof tarPack>, entries: readonly LayerEntry[]): Promise<void> {
  for (const entry of entries) await add(pack, entry);
  pack.finalize();
}

function add(pack: ReturnType<typeof tarPack>, entry: LayerEntry): Promise<void> {
  const header = {
    name: entry.path,
    mode: entry.mode,
    uid: entry.owner ?? 0,
    gid: entry.owner ?? 0,
    mtime: new Date(0),
  };
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    switch (entry.kind) {
      case 'directory':
        pack.entry({ ...header, type: 'directory' }, done);
        break;
      case 'symlink':
        pack.entry({ ...header, type: 'symlink', linkname: entry.target }, done);
        break;
      case 'text':
        pack.entry({ ...header, type: 'file' }, entry.text, done);
        break;
      case 'copy': {
        const sink = pack.entry({ ...header, type: 'file', size: statSync(entry.from).size }, done);
        const source = createReadStream(entry.from, { highWaterMark: 1024 * 1024 });
        pipeline(source, sink).catch(reject);
        break;
      }
    }
  });
}
