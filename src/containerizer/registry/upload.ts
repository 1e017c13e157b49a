import { createReadStream } from 'node:fs';
import type { Digest } from '../../oci-spec/digest.js';
import { discard } from './body.js';
import { answerBytes } from './limits.js';
import { nextPlace } from './next-place.js';
import { takenOf } from './range.js';
import type { Ask, Repository } from './repository.js';
import type { Answer, Body } from './transport.js';
import { Transient } from './trouble.js';

export interface BlobToSend {
  digest: Digest;
  size: number;
  file: string;
  /** Other repositories of the same registry that may have it. */
  mountFrom: readonly string[];
}

/** How a blob came to be in a repository: it was there, another repository of the registry had it, or it was sent. */
export type Sent = 'present' | 'mounted' | 'sent';

/**
 * Puts a blob into a repository, in parts if it is large (distribution-spec, "Pushing Blobs"). After a connection that was cut the registry is asked how far it got, and the
 * rest is sent. `progress` is told the bytes that are there.
 */
export async function uploadBlob(
  repository: Repository,
  blob: BlobToSend,
  progress: (bytes: number) => void,
  what: string,
): Promise<Sent> {
  const upload = new Upload(repository, blob, progress, what);
  return repository.retries.run(what, (further) => upload.attempt(further));
}

class Upload {
  /** Where the registry takes the rest; it may be another after every part. */
  #place: URL | undefined;
  #offset = 0;
  #furthest = 0;

  constructor(
    private readonly repository: Repository,
    private readonly blob: BlobToSend,
    private readonly progress: (bytes: number) => void,
    private readonly what: string,
  ) {}

  async attempt(further: () => void): Promise<Sent> {
    const { digest, size } = this.blob;
    const { uploadPart } = this.repository.transport.limits;
    // Also after an attempt of which only the answer was lost.
    // One that cannot say whether it has a blob is sent it.
    const known = await this.#ask({ method: 'HEAD', at: `blobs/${digest}`, expect: [200, 404, 405] });
    if (known.status === 200) return this.#place === undefined ? 'present' : 'sent';
    if (this.#place !== undefined) await this.#resume();
    if (this.#place === undefined && (await this.#begin())) return 'mounted';
    while (size - this.#offset > uploadPart) {
      await this.#send(uploadPart);
      // What was lost and is sent once more is no progress.
      if (this.#offset > this.#furthest) further();
      this.#furthest = Math.max(this.#furthest, this.#offset);
    }
    await this.#finish();
    return 'sent';
  }

  /** True when another repository of the registry had the blob. */
  async #begin(): Promise<boolean> {
    const [from] = this.blob.mountFrom;
    const mount =
      from === undefined ? '' : `?${new URLSearchParams({ mount: this.blob.digest, from }).toString()}`;
    const answer = await this.#ask({
      method: 'POST',
      at: `blobs/uploads/${mount}`,
      body: Buffer.alloc(0),
      expect: [201, 202],
    });
    if (answer.status === 201) return true;
    this.#moved(answer);
    this.#offset = 0;
    return false;
  }

  /** Finds out how much the registry has; if it knows nothing of it any more, all is sent anew. */
  async #resume(): Promise<void> {
    const answer = await this.#ask({ at: this.#place as URL, expect: [200, 204, 400, 404, 405] });
    if (answer.status !== 204) {
      this.#place = undefined;
      return;
    }
    const taken = takenOf(answer.headers.range, 0, this.blob.size);
    if (taken === undefined) {
      this.#place = undefined;
      return;
    }
    this.#offset = taken;
    if (answer.headers.location !== undefined) this.#moved(answer);
  }

  async #send(length: number): Promise<void> {
    const end = this.#offset + length;
    const answer = await this.#ask({
      method: 'PATCH',
      at: this.#place as URL,
      headers: {
        'content-type': 'application/octet-stream',
        'content-range': `${this.#offset}-${end - 1}`,
      },
      body: this.#part(length),
      expect: [202, 416],
    });
    if (answer.status === 416)
      throw new Transient(`${answer.url.host} has another part of the blob than it was sent`);
    const { range } = answer.headers;
    const taken = range === undefined ? end : takenOf(range, this.#offset + 1, end);
    if (taken === undefined)
      throw new Transient(
        `${answer.url.host} says that it has ${range} of the blob, and was sent ${end} bytes`,
      );
    this.#offset = taken;
    this.#moved(answer);
    this.progress(this.#offset);
  }

  async #finish(): Promise<void> {
    const place = new URL((this.#place as URL).href);
    place.searchParams.set('digest', this.blob.digest);
    const answer = await this.#ask({
      method: 'PUT',
      at: place,
      headers: { 'content-type': 'application/octet-stream' },
      body: this.#part(this.blob.size - this.#offset),
      expect: [201, 204, 416],
    });
    if (answer.status === 416)
      throw new Transient(`${answer.url.host} has another part of the blob than it was sent`);
    this.progress(this.blob.size);
  }

  #part(size: number): Body {
    if (size === 0) return Buffer.alloc(0);
    const start = this.#offset;
    return {
      size,
      open: () => createReadStream(this.blob.file, { start, end: start + size - 1, highWaterMark: 1 << 18 }),
    };
  }

  /** The registry says where to go on, as a whole URL or a path of its own, with parameters that must stay. */
  #moved({ headers, url }: Answer): void {
    const { location = '' } = headers;
    if (location === '') throw new Transient(`${url.host} does not say where the upload goes on`);
    this.#place = nextPlace(url, location, this.what);
  }

  async #ask(ask: Omit<Ask, 'what'>): Promise<Answer> {
    const answer = await this.repository.askOnce({ ...ask, what: this.what });
    await discard(answer, answerBytes, this.repository.transport.limits);
    return answer;
  }
}
