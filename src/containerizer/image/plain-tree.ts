import { statSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { native } from '../../native/index.js';
import { digestOf } from '../../oci-spec/digest.js';
import { defaultLimits } from './limits.js';
import { makeImage } from './make-image.js';
import type { ResolvedImage } from './oci-layout.js';
import { hostPlatform } from './platform.js';
import type { ProvidedImage } from './provide.js';
import type { Session } from './store.js';
import { unpackFailure } from './unpack-failure.js';

/** A folder that is a root file system, as an image: it is run from where it is, and states nothing but its files. */
export function provideTree(directory: string, reference: string): ProvidedImage {
  requireTree(directory, `image ${reference}`);
  const canonical = `dir:${directory}`;
  return {
    reference,
    name: canonical,
    // No manifest has it; it stands for the folder alone.
    manifestDigest: digestOf(canonical),
    config: { ...hostPlatform(), rootfs: { type: 'layers', diff_ids: [] } },
    layers: [],
    tree: directory,
    warnings: [],
  };
}

/** The same with its files in a layer, for the store or an archive. */
export async function packedTree(
  directory: string,
  session: Session | undefined,
  what: string,
): Promise<ResolvedImage> {
  requireTree(directory, what);
  if (session === undefined) throw new RangeError('a tree is packed in a session');
  const file = path.join(session.directory, 'tree');
  try {
    const compression = 'gzip';
    const { digest, size, diffId } = await native().packTree({
      upper: [directory],
      below: [],
      hidden: [],
      depth: defaultLimits.depth,
      layer: true,
      output: file,
      compression,
    });
    return makeImage({ file, digest, size, diffId, compression }, { config: {} }, undefined, what);
  } catch (error) {
    throw unpackFailure(error, what);
  }
}

function requireTree(directory: string, what: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new BerthError('IMAGE_NOT_FOUND', {
    what,
    why: `there is no folder ${directory}`,
    mend: 'Name the folder that holds bin, etc, usr and so on.',
  });
}
