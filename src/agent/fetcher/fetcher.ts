import {
  closeSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CommandInfoURI } from '../../mesos/messages.js';
import { native } from '../../native/index.js';
import type { SandboxOwner } from '../sandbox/sandbox.js';
import { FetchCache } from './cache.js';
import { explain } from './failure.js';
import { defaultFetchLimits, type FetchLimits } from './limits.js';
import { copyLocal } from './local.js';
import { createFile, type Target, unpack } from './unpack.js';
import { type WantedFile, wantedFile } from './wanted.js';
import { download, sizeOnWeb } from './web.js';

export interface FetchRequest {
  /** The sandbox: new, with nothing in it but what is made here. */
  folder: string;
  owner: SandboxOwner;
  /** Who asks: what one user has had cached is not another's. */
  user: string;
  uris: readonly CommandInfoURI[];
}

/** Brings the files that a command asks for into its sandbox, before it starts. */
export class Fetcher {
  private readonly cache: FetchCache;
  private readonly scratch: string;

  /** @param folder The fetcher's own, on the file system of the sandboxes. What a former agent left in it goes. */
  constructor(
    folder: string,
    private readonly limits: FetchLimits = defaultFetchLimits,
  ) {
    this.scratch = path.join(folder, 'scratch');
    rmSync(this.scratch, { recursive: true, force: true });
    mkdirSync(this.scratch, { recursive: true, mode: 0o700 });
    this.cache = new FetchCache(path.join(folder, 'cache'), limits.cache);
  }

  /** One after the other. Throws FETCH_FAILED, with nothing left in the sandbox. */
  async fetch({ folder, owner, user, uris }: FetchRequest): Promise<void> {
    const wanted = uris.map(wantedFile);
    const before = new Set(readdirSync(folder));
    const target: Target = { folder, owner, limits: this.limits, scratch: this.scratch };
    for (const each of wanted) {
      try {
        await this.bring(each, user, target);
      } catch (error) {
        for (const name of readdirSync(folder))
          if (!before.has(name)) await native().removeTree(path.join(folder, name));
        throw explain(each.uri, error);
      }
    }
  }

  private async bring(wanted: WantedFile, user: string, target: Target): Promise<void> {
    const { source } = wanted;
    if (wanted.cache && source.kind === 'web') {
      const { url } = source;
      const cached = {
        size: () => sizeOnWeb(wanted.uri, url, this.limits),
        fetch: (file: string) => this.get(wanted, createWriteStream(file, { flags: 'wx', mode: 0o600 })),
      };
      const use = async (file: string) =>
        wanted.unpacking === undefined
          ? pipeline(createReadStream(file), this.create(wanted, target))
          : unpack(wanted, file, target);
      if (await this.cache.with(`${user}\0${wanted.uri}`, cached, use)) return;
    }
    await this.get(wanted, this.create(wanted, target));
    if (wanted.unpacking === undefined) return;
    const handle = native().openInFolder(target.folder, wanted.name);
    let fd: number | undefined;
    try {
      fd = openSync(`/proc/self/fd/${handle}`, 'r');
      // What it brings may take its own name's place; it is read to its end all the same.
      await unpack(wanted, `/proc/self/fd/${fd}`, target);
    } finally {
      if (fd !== undefined) closeSync(fd);
      closeSync(handle);
    }
  }

  private get({ uri, source }: WantedFile, to: Writable): Promise<void> {
    return source.kind === 'web'
      ? download(uri, source.url, to, this.limits)
      : copyLocal(uri, source.path, to, this.limits);
  }

  private create({ name, executable }: WantedFile, target: Target): Writable {
    return createWriteStream('', { fd: createFile(target, name, executable ? 0o755 : 0o644) });
  }
}
