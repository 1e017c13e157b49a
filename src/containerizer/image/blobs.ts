import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, renameSync } from 'node:fs';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BerthError } from '../../errors/berth-error.js';
import { type Digest, hexOf } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { type Session, storePaths } from './store.js';

const chunk = 256 * 1024;

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
  const kept = path.join(storePaths(roots).blobs, hexOf(blob.digest));
  if (existsSync(kept)) return;
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
  await pipeline(
    createReadStream(blob.file, { highWaterMark: chunk }),
    check,
    createWriteStream(copy, { flags: 'wx', mode: 0o600 }),
  );
  if (size !== blob.size || hash.digest('hex') !== hexOf(blob.digest)) throw mismatch(blob, what);
  renameSync(copy, kept);
}

function mismatch(blob: { digest: Digest; size: number }, what: string): BerthError {
  return new BerthError('IMAGE_CORRUPT', {
    what,
    why: `its blob has not the digest ${blob.digest} and ${blob.size} bytes`,
  });
}
