import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { BerthError } from '../../errors/berth-error.js';
import { type Digest, hexOf } from '../../oci-spec/digest.js';
import { chunksOf } from './body.js';
import { startOfPart } from './range.js';
import type { Repository } from './repository.js';
import type { Answer } from './transport.js';
import { Transient, WrongContent } from './trouble.js';

export interface BlobToFetch {
  digest: Digest;
  size: number;
}

const readSize = 256 * 1024;

/**
 * Brings a blob into a file, which may have its first bytes already: only the rest is asked for, after a connection that was cut as well. `grown` is told how many
 * bytes are there. When it returns, the file has the blob and nothing else. `WrongContent`: all bytes came, and they are not the blob's; the file is then empty.
 */
export async function downloadBlob(
  repository: Repository,
  blob: BlobToFetch,
  file: string,
  grown: (bytes: number) => void,
  what: string,
): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const receiving = new Receiving(handle, blob, grown);
    await receiving.takeUp();
    await repository.retries.run(what, async (progress) => {
      while (receiving.have < blob.size) {
        const before = receiving.have;
        try {
          await receiving.receive(repository, what);
        } finally {
          if (receiving.have > before) progress();
        }
      }
    });
    await receiving.verify();
  } finally {
    await handle.close();
  }
}

/** A blob's first bytes in a file, and the digest of them. */
class Receiving {
  have = 0;
  readonly #hash: Hash = createHash('sha256');

  constructor(
    private readonly handle: FileHandle,
    private readonly blob: BlobToFetch,
    private readonly grown: (bytes: number) => void,
  ) {}

  /** Reads what an earlier attempt has left. */
  async takeUp(): Promise<void> {
    const { size } = await this.handle.stat();
    if (size > this.blob.size) await this.handle.truncate(0);
    const buffer = Buffer.allocUnsafe(readSize);
    for (;;) {
      const { bytesRead } = await this.handle.read(buffer, 0, buffer.length, this.have);
      if (bytesRead === 0) break;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.have += bytesRead;
    }
    if (this.have > 0) this.grown(this.have);
  }

  /** One request for what is missing, as far as it gets. */
  async receive(repository: Repository, what: string): Promise<void> {
    const { digest, size } = this.blob;
    const headers: Record<string, string> = this.have === 0 ? {} : { range: `bytes=${this.have}-` };
    const answer = await repository.askOnce({ at: `blobs/${digest}`, headers, expect: [200, 206], what });
    // A server that knows no ranges sends all of it: what is there already is passed over.
    let skip = answer.status === 206 ? 0 : this.have;
    const start = answer.status === 206 ? this.#startOf(answer) : 0;
    const length = answer.headers['content-length'];
    if (length !== undefined && Number(length) !== size - start) {
      answer.body.destroy();
      throw new Transient(`${answer.url.host} announces ${length} bytes instead of ${size - start}`);
    }
    for await (const chunks of chunksOf(answer, repository.transport.limits)) {
      const kept = [];
      for (const chunk of chunks) {
        const part = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - part.length;
        if (part.length > 0) kept.push(part);
      }
      await this.#append(kept, answer);
    }
    if (this.have < size) throw new Transient(`${answer.url.host} ends in the middle of a blob`);
  }

  #startOf({ headers, url, body }: Answer): number {
    if (startOfPart(headers['content-range']) === this.have) return this.have;
    body.destroy();
    throw new Transient(`${url.host} sends another part of the blob than it was asked for`);
  }

  async #append(chunks: Buffer[], { url }: Answer): Promise<void> {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (bytes === 0) return;
    if (this.have + bytes > this.blob.size)
      throw new WrongContent(`${url.host} sends more than the ${this.blob.size} bytes of the blob`);
    let { bytesWritten: done } = await this.handle.writev(chunks, this.have);
    // Cut short: what is left is written alone, or fails with the reason.
    while (done < bytes) {
      const rest = Buffer.concat(chunks).subarray(done);
      done += (await this.handle.write(rest, 0, rest.length, this.have + done)).bytesWritten;
    }
    for (const chunk of chunks) this.#hash.update(chunk);
    this.have += bytes;
    this.grown(this.have);
  }

  async verify(): Promise<void> {
    const found = this.#hash.digest('hex');
    if (found === hexOf(this.blob.digest)) return;
    await this.handle.truncate(0);
    throw new WrongContent(`its digest should be ${this.blob.digest} and is sha256:${found}`);
  }
}

/** `WrongContent` in words for a person. */
export function corruptBlob(error: WrongContent, what: string): BerthError {
  return new BerthError('IMAGE_CORRUPT', {
    what,
    why: `${error.message}, twice`,
    mend: 'Try again later; if it stays so, the registry or something on the way to it is broken.',
    cause: error,
  });
}
