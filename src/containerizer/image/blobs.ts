import { createHash } from 'node:crypto';
import {
  constants,
  createReadStream,
  createWriteStream,
  existsSync,
  linkSync,
  renameSync,
  statSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BerthError } from '../../errors/berth-error.js';
import { type Digest, hexOf } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { blobFile, hasBlob, type Session } from './store.js';

const chunk = 256 * 1024;
const again = 'Fetch, load or build the image again.';

/**
 * Copies a blob into the store, verified on the way, if it is not there: when its layer was unpacked before, from another blob
 * of the same content.
 */
export async function importBlob(
  roots: Roots,
  session: Session,
  blob: { file: string; digest: Digest; size: number },
  what: string,
): Promise<void> {
  if (hasBlob(roots, blob)) return;
  const copy = path.join(session.directory, `${hexOf(blob.digest)}.copy`);
  const hash = createHash('sha256');
  let size = 0;
  const check = new Transform({
    transform(bytes: Buffer, _encoding, done) {
      hash.update(bytes);
      size += bytes.length;
      done(size > blob.size ? mismatch(blob, what) : null, bytes);
    },
  });
  // A layout is whoever's: nothing is waited for that a fifo in it may never give.
  const source = await open(blob.file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await source.stat()).isFile())
      throw new BerthError('IMAGE_INVALID', { what, why: `${blob.file} is not a regular file` });
    await pipeline(
      source.createReadStream({ highWaterMark: chunk, autoClose: false }),
      check,
      createWriteStream(copy, { flags: 'wx', mode: 0o600 }),
    );
  } finally {
    await source.close();
  }
  if (size !== blob.size || hash.digest('hex') !== hexOf(blob.digest)) throw mismatch(blob, what);
  renameSync(copy, blobFile(roots, blob.digest));
}

/** Reads a blob of the store and fails unless it is what its name says; then it is out of the store, so that it can come again. */
export async function verifyKept(
  roots: Roots,
  session: Session,
  blob: { file: string; digest: Digest; size: number },
  what: string,
): Promise<void> {
  try {
    await verifyBlob(blob, what);
  } catch (error) {
    if (error instanceof BerthError && error.code === 'IMAGE_CORRUPT')
      await dropDamaged(roots, session, blob);
    throw error;
  }
}

async function verifyBlob(blob: { file: string; digest: Digest; size: number }, what: string): Promise<void> {
  if (!existsSync(blob.file)) {
    throw new BerthError('STATE_DAMAGED', { what, why: `the store lacks ${blob.digest}`, mend: again });
  }
  const hash = createHash('sha256');
  let size = 0;
  for await (const bytes of createReadStream(blob.file, { highWaterMark: chunk })) {
    hash.update(bytes as Buffer);
    size += (bytes as Buffer).length;
  }
  if (size !== blob.size || hash.digest('hex') !== hexOf(blob.digest)) throw mismatch(blob, what);
}

/** Takes a blob out of the store that is not what its name says, so that it is fetched again. True: it was that. */
export async function dropDamaged(
  roots: Roots,
  session: Session,
  { digest }: { digest: Digest },
): Promise<boolean> {
  const kept = blobFile(roots, digest);
  if (statSync(kept, { throwIfNoEntry: false }) === undefined) return false;
  const handle = await open(kept);
  try {
    const hash = createHash('sha256');
    for await (const bytes of handle.createReadStream({ highWaterMark: chunk, autoClose: false }))
      hash.update(bytes as Buffer);
    if (hash.digest('hex') === hexOf(digest)) return false;
    const out = path.join(session.directory, `${hexOf(digest)}.damaged`);
    try {
      renameSync(kept, out);
    } catch (error) {
      // Another layer of the same content has just found the same.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
      throw error;
    }
    // Somebody has just put a good one there.
    if (statSync(out).ino !== (await handle.stat()).ino) linkSync(out, kept);
    return true;
  } finally {
    await handle.close();
  }
}

function mismatch(blob: { digest: Digest; size: number }, what: string): BerthError {
  return new BerthError('IMAGE_CORRUPT', {
    what,
    why: `its blob has not the digest ${blob.digest} and ${blob.size} bytes`,
    mend: again,
  });
}
