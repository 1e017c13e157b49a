import { createReadStream, createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BerthError } from '../../errors/berth-error.js';
import { makeOutputFile } from '../../state/output-file.js';
import type { Roots } from '../../state/roots.js';
import { readNames } from '../image/names.js';
import { parseReference } from '../image/reference.js';
import { blobFile, Session } from '../image/store.js';
import { lookUp } from '../image/stored-image.js';

/** Writes an App Container Image as it came, byte for byte, so that its id and its signature hold. */
export async function saveAci(
  roots: Roots,
  references: readonly string[],
  output: string | number,
): Promise<void> {
  const [reference = '', second] = references;
  const what = `image save ${references.join(' ')}`;
  if (second !== undefined)
    throw new BerthError('USAGE', {
      what,
      why: 'a file of that format holds one image',
      mend: 'Save them one by one.',
    });
  // Nobody removes anything meanwhile.
  const session = await Session.open(roots);
  try {
    const named = lookUp(roots, parseReference(reference), reference);
    const record = named && readNames(roots).appc?.[named.manifest_digest];
    if (record === undefined) {
      throw new BerthError('IMAGE_NOT_FOUND', {
        what,
        why: named === undefined ? 'it is not in the store' : 'it did not come as an App Container Image',
        mend: named === undefined ? 'See berth image ls.' : 'Use another --format.',
      });
    }
    const file = blobFile(roots, record.aci);
    const write = (fd: number) =>
      pipeline(createReadStream(file), createWriteStream('', { fd, autoClose: false }));
    if (typeof output === 'number') await write(output);
    else await makeOutputFile(path.resolve(output), write);
  } finally {
    await session.close();
  }
}
