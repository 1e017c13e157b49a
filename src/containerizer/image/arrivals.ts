import { closeSync, linkSync, openSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { type BlobGrowth, native } from '../../native/index.js';
import { type Digest, hexOf } from '../../oci-spec/digest.js';
import { FileLock } from '../../state/lock.js';
import type { Roots } from '../../state/roots.js';
import { corruptBlob, downloadBlob } from '../registry/download.js';
import type { Repository } from '../registry/repository.js';
import { WrongContent } from '../registry/trouble.js';
import type { Arrival, Arrivals, LayerSource } from './oci-layout.js';
import type { OnProgress } from './progress.js';
import { blobFile, hasBlob, type Session, storePaths } from './store.js';

/** A layer to fetch, and its place among the image's. */
export interface Wanted {
  source: LayerSource;
  /** The layer is unpacked already: the blob is wanted for itself. */
  ready: boolean;
  place: { index: number; count: number };
}

const mostAttempts = 2;
const tellInterval = 100;

/**
 * Blobs on their way from a registry, the first ones first and a few at a time. What has come of a blob stays in `downloads` by its digest, whatever becomes of the pull, so
 * that the next one goes on from there; one process at a time fetches a blob, and the others take what it has fetched.
 */
export class BlobArrivals implements Arrivals {
  readonly #coming = new Map<Digest, Promise<Arrival>>();
  readonly #fetching = new Set<Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(
    private readonly roots: Roots,
    private readonly session: Session,
    private readonly repository: Repository,
    private readonly what: string,
    private readonly onProgress: OnProgress,
    private readonly onFailure: (error: Error) => void,
  ) {
    this.#free = repository.transport.limits.parallel;
  }

  /** Begins with these, in this order. */
  start(wanted: readonly Wanted[]): void {
    for (const each of wanted) this.#begin(each, 1);
  }

  of(digest: Digest): Promise<Arrival> | undefined {
    return this.#coming.get(digest);
  }

  /** Waits until it is there and verified, however often it has to come. */
  async whole(digest: Digest): Promise<void> {
    for (let whole = false; !whole; ) whole = (await (await this.of(digest))?.whole) ?? true;
  }

  cancel(why: Error): void {
    this.onFailure(why);
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#fetching.size > 0) await Promise.allSettled([...this.#fetching]);
  }

  /** The session's own name of a blob; once the blob has begun to come there is a file. */
  path(digest: Digest): string {
    return path.join(this.session.directory, `${hexOf(digest)}.blob`);
  }

  /** What has come is the store's now, or is of no use: it is no download any more. */
  forget(): void {
    for (const digest of this.#coming.keys()) {
      const lock = FileLock.attempt(this.#lockFile(digest));
      // Another process has it in its hands, and takes it away itself.
      if (lock === undefined) continue;
      rmSync(this.#download(digest), { force: true });
      lock.discard();
    }
  }

  #download(digest: Digest): string {
    return path.join(storePaths(this.roots).downloads, hexOf(digest));
  }

  #lockFile(digest: Digest): string {
    return storePaths(this.roots).blobLock(hexOf(digest));
  }

  #begin(wanted: Wanted, attempts: number): void {
    const { digest } = wanted.source;
    const begun = new Promise<Arrival>((resolve, reject) => {
      const fetching = this.#fetch(wanted, attempts, resolve);
      this.#fetching.add(fetching);
      fetching.catch(reject).finally(() => this.#fetching.delete(fetching));
    });
    // Whoever stores the layer hears of it; after another failure nobody does.
    begun.catch(() => {});
    this.#coming.set(digest, begun);
  }

  async #fetch(wanted: Wanted, attempt: number, begun: (arrival: Arrival) => void): Promise<void> {
    const { digest } = wanted.source;
    await this.#slot();
    try {
      this.repository.transport.signal.throwIfAborted();
      const lock = await FileLock.take(this.#lockFile(digest));
      try {
        rmSync(this.path(digest), { force: true });
        if (hasBlob(this.roots, wanted.source)) {
          linkSync(blobFile(this.roots, digest), this.path(digest));
          begun({ growth: undefined, whole: Promise.resolve(true) });
          return;
        }
        closeSync(openSync(this.#download(digest), 'a', 0o600));
        linkSync(this.#download(digest), this.path(digest));
        const growth = native().blobGrowth();
        const whole = this.#receive(wanted, attempt, growth);
        begun({ growth, whole });
        await whole;
      } finally {
        lock.discard();
      }
    } catch (error) {
      // One blob that cannot be had makes the others useless, also those that have not begun.
      this.onFailure(error instanceof Error ? error : new Error(String(error)));
      throw error;
    } finally {
      this.#free += 1;
      this.#waiting.shift()?.();
    }
  }

  /** True when the blob is there; false when it has to come once more. */
  async #receive(wanted: Wanted, attempt: number, growth: BlobGrowth): Promise<boolean> {
    const { digest, size } = wanted.source;
    const about = `${this.what}, layer ${wanted.place.index} of ${wanted.place.count}`;
    let whole = false;
    try {
      const told = this.#teller(wanted);
      const grown = (bytes: number): void => {
        native().growBlob(growth, bytes);
        told(bytes);
      };
      told(statSync(this.path(digest)).size);
      await downloadBlob(this.repository, { digest, size }, this.path(digest), grown, about);
      whole = true;
    } catch (error) {
      if (!(error instanceof WrongContent)) throw error;
      rmSync(this.#download(digest), { force: true });
      if (attempt >= mostAttempts) throw corruptBlob(error, about);
      this.#begin(wanted, attempt + 1);
      return false;
    } finally {
      native().endBlob(growth, whole);
    }
    await flush(this.path(digest));
    return true;
  }

  /** Tells of progress, but not of every packet. */
  #teller({ source: { digest, size }, place }: Wanted): (done: number) => void {
    let told = Number.NEGATIVE_INFINITY;
    return (done) => {
      const now = performance.now();
      if (now - told < tellInterval && done < size) return;
      told = now;
      this.onProgress({ kind: 'download', digest, size, done, ...place });
    };
  }

  async #slot(): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#free -= 1;
  }
}

/** Waits until a file's bytes are on the disk: before it has its name in the store, which is there after a power loss as well (fdatasync(2)). */
async function flush(file: string): Promise<void> {
  const handle = await open(file);
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
