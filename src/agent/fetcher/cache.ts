import { mkdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

interface CachedFile {
  file: string;
  /** Bytes that are set aside for it. */
  size: number;
  /** Settles when it is whole, or never will be. */
  ready: Promise<void>;
  /** Who copies from it now. */
  users: number;
}

/** How one file is got. */
export interface CacheSource {
  /** Undefined: not known beforehand, so no room can be set aside. */
  size(): Promise<number | undefined>;
  fetch(file: string): Promise<void>;
}

/**
 * Files that tasks have asked to be kept, until there is no room for others. Room is set aside before a download begins; who asks for what is on its way waits for it;
 * what was used longest ago goes first. It begins empty: what an agent before this one kept nobody vouches for.
 */
export class FetchCache {
  /** In the order of their last use. */
  private readonly files = new Map<string, CachedFile>();
  private counter = 0;

  constructor(
    private readonly folder: string,
    private readonly most: number,
  ) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Bytes that are taken or set aside. */
  get used(): number {
    return [...this.files.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Has `use` read the file. False: there is no room for it, or it could not be kept; `use` was not called. What `use` throws is thrown. */
  async with(key: string, source: CacheSource, use: (file: string) => Promise<void>): Promise<boolean> {
    const file = this.files.get(key) ?? this.begin(key, source);
    file.users++;
    try {
      try {
        await file.ready;
      } catch {
        // Got without the cache, it says itself what is wrong with it.
        return false;
      }
      if (this.files.get(key) === file) {
        this.files.delete(key);
        this.files.set(key, file);
      }
      await use(file.file);
      return true;
    } finally {
      file.users--;
    }
  }

  private begin(key: string, source: CacheSource): CachedFile {
    const file: CachedFile = {
      file: path.join(this.folder, String(this.counter++)),
      size: 0,
      ready: Promise.resolve(),
      users: 0,
    };
    this.files.set(key, file);
    file.ready = this.fill(file, source).catch((error) => {
      this.files.delete(key);
      rmSync(file.file, { force: true });
      throw error;
    });
    return file;
  }

  private async fill(file: CachedFile, source: CacheSource): Promise<void> {
    const size = await source.size();
    if (size === undefined || !this.makeRoom(size)) throw new RangeError('there is no room for it');
    file.size = size;
    await source.fetch(file.file);
    if (statSync(file.file).size !== size) throw new RangeError('it is not as large as was said');
  }

  private makeRoom(size: number): boolean {
    for (const [key, file] of this.files) {
      if (this.used + size <= this.most) break;
      if (file.users > 0) continue;
      this.files.delete(key);
      rmSync(file.file, { force: true });
    }
    return this.used + size <= this.most;
  }
}
