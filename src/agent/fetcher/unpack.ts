import { createReadStream, createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { native } from '../../native/index.js';
import type { SandboxOwner } from '../sandbox/sandbox.js';
import { fetchFailure } from './failure.js';
import type { FetchLimits } from './limits.js';
import { Meter } from './meter.js';
import type { WantedFile } from './wanted.js';
import { zipToTar } from './zip.js';

export interface Target {
  /** The sandbox. */
  folder: string;
  owner: SandboxOwner;
  limits: FetchLimits;
  /** For files that are needed for a moment; the same file system. */
  scratch: string;
}

/** Unpacks what was fetched into the sandbox. `archive`: a place of it that nobody else writes to. */
export async function unpack(wanted: WantedFile, archive: string, target: Target): Promise<void> {
  const { folder, owner, limits } = target;
  if (wanted.unpacking === 'tar') {
    await native().extractInFolder({ archive, folder, ...owner, limits: limits.unpack });
  } else if (wanted.unpacking === 'zip') {
    const tar = await zipToTar(wanted.uri, archive, target.scratch, limits.unpack);
    try {
      await native().extractInFolder({ archive: tar, folder, ...owner, limits: limits.unpack });
    } finally {
      await native().removeTree(tar);
    }
  } else {
    await gunzip(wanted, archive, target);
  }
}

async function gunzip(wanted: WantedFile, archive: string, target: Target): Promise<void> {
  const { bytes } = target.limits.unpack;
  const fd = createFile(target, wanted.name.replace(/\.gz$/, ''), 0o644);
  const meter = new Meter(bytes, () => fetchFailure(wanted.uri, `it unpacks to more than ${bytes} bytes`));
  await pipeline(createReadStream(archive), createGunzip(), meter, createWriteStream('', { fd }));
}

/** A new file in the sandbox, open for writing. */
export function createFile({ folder, owner, limits }: Target, name: string, mode: number): number {
  const { depth } = limits.unpack;
  return native().createInFolder({ folder, name: path.posix.normalize(name), mode, ...owner, depth });
}
